import { assert } from '@d-engine/base';
import { contentHash } from '../fingerprint.ts';
import type { Kernel } from '../kernel.ts';
import type { UnreliableStreams } from '../options.ts';
import type { Side } from './side.ts';

export type PipeItem =
  | { readonly type: 'open' }
  | { readonly type: 'end' }
  | {
      readonly type: 'message';
      readonly bytes: Uint8Array;
      readonly hash: number;
      /** What it takes of the window; nothing for a copy. */
      readonly cost: number;
    };

/** What sits at either end of a pipe: it sends into one and receives from another. */
export interface PipeEnd {
  readonly side: Side;
  readonly method: string;
  readonly closed: boolean;
  readonly paused: boolean;
  /** What the other end sent is here. */
  receive(item: PipeItem): void;
  /** The other end caught up. */
  drained(): void;
}

/** gRPC's prefix: an empty message takes room too. */
const messageOverheadBytes = 5;

/**
 * One direction of a stream. Every item sends a token over the link; when any token arrives, the
 * oldest item is delivered. So items keep their order whatever the tokens do, and each waits at
 * least the latency of the link.
 */
export class Pipe {
  readonly #kernel: Kernel;
  readonly #source: PipeEnd;
  readonly #windowBytes: number;
  readonly #mayBeUnreliable: boolean;
  #target: PipeEnd | undefined;
  #items: PipeItem[] = [];
  #head = 0;
  /** Items that are there but not delivered, because the target paused. */
  #arrived = 0;
  #flushing = false;
  #outstandingBytes = 0;
  #blocked = false;
  #drainUnderWay = false;

  constructor(kernel: Kernel, source: PipeEnd) {
    const { streamWindowBytes, unreliableStreams } = kernel.options.network;
    this.#kernel = kernel;
    this.#source = source;
    this.#windowBytes = streamWindowBytes;
    this.#mayBeUnreliable =
      unreliableStreams !== null && source.method.startsWith(unreliableStreams.methodPrefix);
  }

  /** The connection stands: what was queued leaves. */
  flow(target: PipeEnd): void {
    this.#target = target;
    for (let index = this.#head; index < this.#items.length; index++) this.#sendToken(index);
  }

  push(item: PipeItem): void {
    this.#items.push(item);
    if (this.#target !== undefined) this.#sendToken(this.#items.length - 1);
  }

  send(bytes: Uint8Array): boolean {
    const { out, connection } = this.#source.side;
    if (out.chance(this.#kernel.mishaps.resetProbability)) connection.breakDown();
    const cost = bytes.length + messageOverheadBytes;
    const item: PipeItem = { type: 'message', bytes, hash: contentHash(bytes), cost };
    const unreliable = this.#mayBeUnreliable ? this.#kernel.mishaps.unreliableStreams : null;
    if (unreliable === null) {
      this.#outstandingBytes += cost;
      this.push(item);
    } else {
      this.#sendUnreliably(item, unreliable);
    }
    if (this.#outstandingBytes <= this.#windowBytes) return true;
    this.#blocked = true;
    return false;
  }

  /** The target reads again: what arrived meanwhile is delivered, an event each. */
  flush(): void {
    const target = this.#target;
    if (this.#flushing || this.#arrived === 0 || target === undefined || target.paused) return;
    this.#flushing = true;
    this.#kernel.post(0, target.side.life, () => {
      this.#flushing = false;
      this.#deliver();
      this.flush();
    });
  }

  #sendUnreliably(item: PipeItem & { type: 'message' }, unreliable: UnreliableStreams): void {
    const { out, node } = this.#source.side;
    const trace = this.#kernel.trace;
    if (out.chance(unreliable.lossProbability)) {
      trace.record('messageLost', node.name, this.#source.method, item.hash);
      return;
    }
    this.#outstandingBytes += item.cost;
    this.push(item);
    if (out.chance(unreliable.duplicateProbability)) {
      trace.record('messageDuplicated', node.name, this.#source.method, item.hash);
      this.push({ ...item, cost: 0 });
    }
    if (out.chance(unreliable.reorderProbability)) this.#reorderLast();
  }

  /** Moves the last message before any of those on their way, but never before the opening. */
  #reorderLast(): void {
    const last = this.#items.length - 1;
    let first = last;
    while (first > this.#head && this.#items[first - 1]?.type === 'message') first -= 1;
    if (first === last) return;
    const { out, node } = this.#source.side;
    const target = first + out.integer(last - first);
    const [item] = this.#items.splice(last, 1);
    if (item !== undefined) this.#items.splice(target, 0, item);
    this.#kernel.trace.record('messageReordered', node.name, this.#source.method, last - target);
  }

  #sendToken(index: number): void {
    const target = this.#target;
    const item = this.#items[index];
    if (target === undefined || item === undefined) return;
    const bytes = item.type === 'message' ? item.cost : 0;
    this.#source.side.out.transmit(bytes, target.side.life, () => {
      this.#arrived += 1;
      this.#deliver();
    });
  }

  #deliver(): void {
    const target = this.#target;
    if (target === undefined || target.closed || target.paused || this.#arrived === 0) return;
    const item = this.#items[this.#head] as PipeItem;
    this.#arrived -= 1;
    this.#advance();
    if (item.type === 'message') {
      assert(contentHash(item.bytes) === item.hash, 'a message was changed after it was sent');
      this.#credit(item.cost);
    }
    target.receive(item);
  }

  #advance(): void {
    this.#head += 1;
    if (this.#head < 64 || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }

  /**
   * The window reopens at once - the sender sees it half a round trip early, which saves an event
   * a message - but the call to onDrain takes its time on the way back.
   */
  #credit(cost: number): void {
    this.#outstandingBytes -= cost;
    if (!this.#blocked || this.#drainUnderWay || !this.#caughtUp()) return;
    this.#drainUnderWay = true;
    const { side } = this.#source;
    side.into.transmit(0, side.life, () => {
      this.#drainUnderWay = false;
      if (this.#source.closed || !this.#blocked || !this.#caughtUp()) return;
      this.#blocked = false;
      this.#source.drained();
    });
  }

  #caughtUp(): boolean {
    return this.#outstandingBytes * 2 <= this.#windowBytes;
  }
}
