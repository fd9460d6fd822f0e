import type { Address, Metadata } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { withMetadata } from './call-metadata.ts';
import { acceptedEncodings, formatTimeout, roundTimeoutMs } from './grpc-text.ts';
import type { Compression } from './message-packer.ts';

/** Lists of one channel; it has a handful of methods, and deadlines are rounded. */
const keptMax = 256;

/** What of a call's options goes into its headers. */
export interface RequestOptions {
  readonly metadata?: Metadata;
  readonly compression?: Compression;
}

/**
 * The headers of a channel's requests. Those of the same method and deadline are the same list
 * every time, so that encoding them is a look-up.
 */
export class RequestHeaders {
  readonly #authority: Address;
  readonly #scheme: 'http' | 'https';
  readonly #lists: Map<string, Map<number, HeaderList>> = new Map();
  #count = 0;

  constructor(authority: Address, scheme: 'http' | 'https') {
    this.#authority = authority;
    this.#scheme = scheme;
  }

  /** The time that is told is a bit less than `timeoutMs`; 0: none is. */
  of(method: string, timeoutMs: number, options: RequestOptions): HeaderList {
    const { metadata, compression } = options;
    const list = this.#kept(method, timeoutMs === 0 ? 0 : roundTimeoutMs(timeoutMs));
    if (compression === undefined) return withMetadata(list, metadata);
    return withMetadata([...list, 'grpc-encoding', compression], metadata);
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
      ...[':method', 'POST', ':scheme', this.#scheme, ':path', `/${method}`],
      ...[':authority', this.#authority, 'content-type', 'application/grpc', 'te', 'trailers'],
      ...['grpc-accept-encoding', acceptedEncodings],
      ...(timeoutMs > 0 ? ['grpc-timeout', formatTimeout(timeoutMs)] : []),
    ]);
  }
}
