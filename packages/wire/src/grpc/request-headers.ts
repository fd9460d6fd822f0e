import type { Address, Metadata } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { withMetadata } from './call-metadata.ts';
import { formatTimeout } from './grpc-text.ts';

/** Lists of one channel; it has a handful of methods and of deadlines. */
const keptMax = 64;

/**
 * The headers of a channel's requests. Those of the same method and deadline are the same list
 * every time, so that encoding them is a look-up.
 */
export class RequestHeaders {
  readonly #authority: Address;
  readonly #lists: Map<string, Map<number, HeaderList>> = new Map();
  #count = 0;

  constructor(authority: Address) {
    this.#authority = authority;
  }

  /** `timeoutMs` 0: no deadline is told. */
  of(method: string, timeoutMs: number, metadata: Metadata | undefined): HeaderList {
    return withMetadata(this.#kept(method, timeoutMs), metadata);
  }

  #kept(method: string, timeoutMs: number): HeaderList {
    const known = this.#lists.get(method)?.get(timeoutMs);
    if (known !== undefined) return known;
    const list = this.#make(method, timeoutMs);
    if (this.#count === keptMax) {
      this.#lists.clear();
      this.#count = 0;
    }
    this.#count += 1;
    const ofMethod = this.#lists.get(method) ?? new Map<number, HeaderList>();
    this.#lists.set(method, ofMethod.set(timeoutMs, list));
    return list;
  }

  #make(method: string, timeoutMs: number): HeaderList {
    return Object.freeze([
      ...[':method', 'POST', ':scheme', 'http', ':path', `/${method}`],
      ...[':authority', this.#authority, 'content-type', 'application/grpc', 'te', 'trailers'],
      ...(timeoutMs > 0 ? ['grpc-timeout', formatTimeout(timeoutMs)] : []),
    ]);
  }
}
