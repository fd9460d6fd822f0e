import type { Kernel } from '../kernel.ts';
import type { ByteStreamOptions } from '../options.ts';
import { drawPieces } from './byte-pieces.ts';
import type { Side } from './side.ts';
import { WrittenBytes } from './written-bytes.ts';

/** What sits at either end of a pipe: it writes into one and reads from another. */
export interface BytePipeEnd {
  readonly side: Side;
  /** Its process reads nothing more, because the end is closed: the kernel says so to others. */
  readonly closed: boolean;
  /** Paused, or not open yet: what arrives waits. */
  readonly waits: boolean;
  receive(bytes: Uint8Array): void;
  receiveEnd(): void;
  /** What was queued has been handed to the kernel. */
  drained(): void;
  /** ... and so was the end. */
  flushed(): void;
}

/** As much as Node reads at a time. */
const readBytesMax = 65_536;
/** What a piece is that says that nothing follows. */
const endMark = 0;
/** A receiver that keeps what was only lent to it sees this instead. */
const scrubByte = 0xdb;

/**
 * One direction of a stream of bytes. Written bytes are queued in the process, then held by the
 * kernels up to the window, in pieces. Each piece sends a token over the link; when any token
 * arrives, the oldest piece is there. So the bytes keep their order whatever the tokens do.
 */
export class BytePipe {
  readonly #kernel: Kernel;
  readonly #source: BytePipeEnd;
  readonly #options: ByteStreamOptions;
  readonly #windowBytes: number;
  readonly #written = new WrittenBytes();
  #target: BytePipeEnd | undefined;
  /** In the process: the kernel has no room for them, or there is no connection yet. */
  #queuedBytes = 0;
  /** In the kernels: on their way, or unread. */
  #heldBytes = 0;
  #pieces: number[] = [];
  #piecesHead = 0;
  #underWayBytes = 0;
  #arrivedBytes = 0;
  /** ... which came in so many pieces. */
  #arrivedPieces = 0;
  #end: 'open' | 'wanted' | 'sent' | 'arrived' | 'read' = 'open';
  /** The process waits for `drained`. */
  #blocked = false;
  #reading = false;
  #toAcknowledgeBytes = 0;
  #acknowledging = false;
  /** When the last piece will have been put on the line: the next one comes after it. */
  #lineBusyUntilMs = 0;

  constructor(kernel: Kernel, source: BytePipeEnd) {
    const { byteStreams } = kernel.options.network;
    this.#kernel = kernel;
    this.#source = source;
    this.#options = byteStreams;
    this.#windowBytes = byteStreams.windowBytes;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Something is there that its reader has not taken. */
  get hasUnread(): boolean {
    return this.#arrivedBytes > 0;
  }

  /** Bytes will still arrive. */
  get hasUnderWay(): boolean {
    return this.#underWayBytes > 0;
  }

  /** There is a connection: what waited leaves. */
  flow(target: BytePipeEnd): void {
    this.#target = target;
    this.#pump();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#end !== 'open') return false;
    if (bytes.length > 0) {
      const { out, connection } = this.#source.side;
      if (out.chance(this.#kernel.mishaps.resetProbability)) connection.breakDown();
      this.#written.add(bytes);
      this.#queuedBytes += bytes.length;
      this.#pump();
    }
    if (this.#queuedBytes > this.#options.sendBufferBytes) this.#blocked = true;
    return !this.#blocked;
  }

  /** Nothing follows what was written. */
  end(): void {
    if (this.#end === 'open') this.#end = 'wanted';
    this.#pump();
  }

  /** What the kernel does not have yet stays here. */
  drop(): void {
    this.#queuedBytes = 0;
  }

  /** The target reads again. */
  read(): void {
    const target = this.#target;
    if (this.#reading || target === undefined || target.waits || !this.#readable) return;
    this.#readAfter(target, 0);
  }

  get #readable(): boolean {
    return this.#arrivedBytes > 0 || this.#end === 'arrived';
  }

  #pump(): void {
    const target = this.#target;
    if (target === undefined) return;
    const room = Math.max(this.#windowBytes - this.#heldBytes, 0);
    const length = Math.min(this.#queuedBytes, room);
    if (length > 0) {
      this.#queuedBytes -= length;
      this.#heldBytes += length;
      const { out, node } = this.#source.side;
      const pieces = drawPieces(out, length, this.#options.splitProbability);
      if (pieces.length > 1) {
        this.#kernel.trace.record('bytesSplit', node.name, target.side.node.name, pieces.length);
      }
      for (const piece of pieces) this.#send(target, piece);
    }
    if (this.#queuedBytes > 0) return;
    if (this.#end === 'wanted') {
      this.#end = 'sent';
      this.#send(target, endMark);
      this.#source.flushed();
    }
    if (!this.#blocked) return;
    this.#blocked = false;
    // In an event of its own: this may be inside a write.
    const { life } = this.#source.side;
    this.#kernel.post(0, life, () => {
      if (!this.#blocked) this.#source.drained();
    });
  }

  #send(target: BytePipeEnd, piece: number): void {
    const { side } = this.#source;
    const { nowMs, options } = this.#kernel;
    let waitMs = Math.max(this.#lineBusyUntilMs - nowMs, 0);
    if (side.out.chance(this.#kernel.mishaps.pieceLossProbability)) {
      this.#kernel.trace.record('bytesLost', side.node.name, target.side.node.name, piece);
      waitMs += side.out.drawBetween(this.#options.retransmitMs);
    }
    this.#lineBusyUntilMs = nowMs + waitMs + piece / options.network.bytesPerMs;
    this.#pieces.push(piece);
    this.#underWayBytes += piece;
    // Of a process that is gone the kernel answers.
    const life = target.closed ? undefined : target.side.life;
    side.out.transmit(piece, life, () => this.#arrive(target), waitMs);
  }

  #arrive(target: BytePipeEnd): void {
    const piece = this.#pieces[this.#piecesHead] as number;
    this.#advance();
    this.#underWayBytes -= piece;
    if (target.closed) {
      if (piece !== endMark) this.#refuse(target);
      return;
    }
    if (piece === endMark) this.#end = 'arrived';
    else {
      this.#arrivedBytes += piece;
      this.#arrivedPieces += 1;
    }
    if (this.#reading || target.waits) return;
    const { out } = this.#source.side;
    if (out.chance(this.#options.coalesceProbability)) {
      this.#readAfter(target, out.drawLatencyMs());
    } else this.#read(target);
  }

  #advance(): void {
    this.#piecesHead += 1;
    if (this.#piecesHead < 64 || this.#piecesHead * 2 < this.#pieces.length) return;
    this.#pieces = this.#pieces.slice(this.#piecesHead);
    this.#piecesHead = 0;
  }

  /** Nobody takes these bytes any more: the kernel there answers with a reset. */
  #refuse(target: BytePipeEnd): void {
    const { side } = this.#source;
    target.side.out.transmit(0, side.life, () => {
      side.lose({ status: 'unavailable', message: 'connection reset by the other side' });
    });
  }

  #readAfter(target: BytePipeEnd, delayMs: number): void {
    this.#reading = true;
    this.#kernel.post(delayMs, target.side.life, () => {
      this.#reading = false;
      this.#read(target);
    });
  }

  /** One call a time, an event each: what a handler does comes before the rest. */
  #read(target: BytePipeEnd): void {
    if (target.closed || target.waits) return;
    if (this.#arrivedBytes > 0) {
      const length = Math.min(this.#arrivedBytes, readBytesMax);
      this.#arrivedBytes -= length;
      this.#noteJoined(target);
      const bytes = this.#written.take(length);
      this.#acknowledge(length);
      target.receive(bytes);
      bytes.fill(scrubByte);
    } else if (this.#end === 'arrived') {
      this.#end = 'read';
      target.receiveEnd();
    }
    this.read();
  }

  #noteJoined(target: BytePipeEnd): void {
    const pieces = this.#arrivedPieces;
    this.#arrivedPieces = 0;
    if (pieces < 2) return;
    const { node } = this.#source.side;
    this.#kernel.trace.record('bytesJoined', target.side.node.name, node.name, pieces);
  }

  /**
   * While nobody waits for it the room is there at once, which saves an event a read. Else the
   * news of it takes its time on the way back, and does not come over a link that is cut.
   */
  #acknowledge(length: number): void {
    const { into, life } = this.#source.side;
    if (this.#queuedBytes === 0 && into.open) {
      this.#heldBytes -= length;
      return;
    }
    this.#toAcknowledgeBytes += length;
    if (this.#acknowledging) return;
    this.#acknowledging = true;
    into.transmit(0, life, () => {
      this.#acknowledging = false;
      this.#heldBytes -= this.#toAcknowledgeBytes;
      this.#toAcknowledgeBytes = 0;
      this.#pump();
    });
  }
}
