import type { HeaderList } from '../hpack/header-list.ts';
import { http2Limits } from './http2-limits.ts';

type Item = HeaderList | Uint8Array;

/** What a stream still has to send, in order: header lists, content, and then its end. */
export class PendingOutput {
  /** Bytes of content. */
  bytes = 0;
  isEnded = false;
  /** Ticks since enough of it moved. */
  stalledTicks = 0;
  #movedBytes = 0;
  /** Header lists among the items. */
  #headerLists = 0;
  #items: Item[] = [];
  #first = 0;
  /** Of the first item, when it is content. */
  #offset = 0;

  get isEmpty(): boolean {
    return this.#first === this.#items.length;
  }

  get hasHeaders(): boolean {
    return this.#headerLists > 0;
  }

  /** So much of it is on its way. Single bytes do not count as progress. */
  moved(bytes: number): void {
    this.#movedBytes += bytes;
    if (this.#movedBytes < http2Limits.progressStepBytes) return;
    this.#movedBytes = 0;
    this.stalledTicks = 0;
  }

  headers(headers: HeaderList, isEnd: boolean): void {
    this.#items.push(headers);
    this.#headerLists += 1;
    this.isEnded = isEnd;
  }

  data(bytes: Uint8Array, isEnd: boolean): void {
    if (bytes.length > 0) this.#items.push(bytes);
    this.bytes += bytes.length;
    this.isEnded = isEnd;
  }

  end(): void {
    this.isEnded = true;
  }

  /** The next item if it is a header list. */
  nextHeaders(): HeaderList | undefined {
    const item = this.#items[this.#first];
    return item === undefined || item instanceof Uint8Array ? undefined : item;
  }

  /** How much content comes before the next header list, up to a bound. */
  contentBytes(max: number): number {
    let bytes = -this.#offset;
    for (let at = this.#first; at < this.#items.length && bytes < max; at++) {
      const item = this.#items[at] as Item;
      if (!(item instanceof Uint8Array)) break;
      bytes += item.length;
    }
    return Math.min(max, Math.max(0, bytes));
  }

  /** Takes the next item, which is a header list. */
  dropHeaders(): void {
    this.#headerLists -= 1;
    this.#drop();
  }

  /** Takes so much content. */
  take(bytes: number, onPart: { payload(bytes: Uint8Array): void }): void {
    let left = bytes;
    this.bytes -= bytes;
    while (left > 0) {
      const item = this.#items[this.#first] as Uint8Array;
      const end = Math.min(item.length, this.#offset + left);
      onPart.payload(item.subarray(this.#offset, end));
      left -= end - this.#offset;
      if (end === item.length) this.#drop();
      else this.#offset = end;
    }
  }

  #drop(): void {
    this.#items[this.#first] = noItem;
    this.#first += 1;
    this.#offset = 0;
    if (this.#first < compactAfter && !this.isEmpty) return;
    this.#items = this.#items.slice(this.#first);
    this.#first = 0;
  }
}

const noItem: Item = [];
/** Items that were taken are dropped so many at a time, which keeps long queues linear. */
const compactAfter = 64;
