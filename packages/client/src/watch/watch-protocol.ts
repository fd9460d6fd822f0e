import {
  DEngineError,
  errorNameOf,
  errorRegistry,
  MalformedMessage,
  type ResumeToken,
  type WatchBatch,
  type WatchEvent,
  type WatchOptions,
  type WatchTarget,
} from '@d-engine/base';
import {
  decodeWatchResponse,
  encodeWatchRequest,
  methods,
  type WatchRequest,
  type WatchResponse,
} from '@d-engine/wire';
import { keyBytes } from '../requests.ts';
import type { Accepted, StreamProtocol } from './stream-follower.ts';

/** A member says something so often, even when nothing happens. */
const progressIntervalMsDefault = 10_000;
/** Two signs of life may be late or lost. */
const silentIntervals = 2.5;

/** A watch of keys: goes on from its last token, whichever member serves it. */
export class WatchProtocol implements StreamProtocol<WatchBatch> {
  readonly method: string = methods.watch;
  readonly silentMsMax: number;
  readonly #request: Omit<WatchRequest, 'afterRevision' | 'historyId'>;
  readonly #withPrevious: boolean;
  #after: WatchOptions['after'];
  #historyId = '';
  /** Of a revision of which more is to come. */
  #events: WatchEvent[] = [];
  /** Whether the reader heard `ready`: to go on later is no news. */
  #isReady = false;
  /** Whether this stream has told where it begins. */
  #hasBegun = false;

  constructor(target: WatchTarget, options: WatchOptions, clientId: number) {
    const { previousValues = false, progressIntervalMs = progressIntervalMsDefault } = options;
    const intervalMs = Math.ceil(progressIntervalMs);
    if (!(intervalMs >= 1 && intervalMs < 2 ** 31)) {
      const text = `progressIntervalMs must be 1 or more, not ${progressIntervalMs}`;
      throw new DEngineError('InvalidRequest', text);
    }
    this.silentMsMax = intervalMs * silentIntervals;
    this.#withPrevious = previousValues;
    this.#after = options.after;
    this.#request = {
      ...keysOf(target),
      clientId,
      prevKv: previousValues,
      progressIntervalMs: intervalMs,
      announce: true,
    };
  }

  request(): Uint8Array {
    this.#events = [];
    this.#hasBegun = false;
    const { revision, historyId = '' } = this.#after ?? {};
    return encodeWatchRequest({ ...this.#request, afterRevision: revision, historyId });
  }

  accept(message: Uint8Array): Accepted<WatchBatch> {
    let response: WatchResponse;
    try {
      response = decodeWatchResponse(message);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const text = `the member's message cannot be read: ${error.message}`;
      return { end: new DEngineError('InvalidResponse', text, { cause: error }) };
    }
    switch (response.eventType) {
      case 'progress':
        return this.#progress(response);
      case 'canceled':
        return this.#canceled(response);
      case 'put':
      case 'delete':
        return this.#event(response);
    }
  }

  #progress({ historyId, revision }: WatchResponse): Accepted<WatchBatch> {
    const token = { historyId, revision };
    this.#historyId = historyId;
    this.#after = token;
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (!isFirst) return { batch: { type: 'progress', token } };
    if (this.#isReady) return {};
    this.#isReady = true;
    return { batch: { type: 'ready', token } };
  }

  #event(response: WatchResponse): Accepted<WatchBatch> {
    this.#events.push(this.#eventOf(response));
    if (response.more) return {};
    const events = this.#events;
    this.#events = [];
    const token: ResumeToken = { historyId: this.#historyId, revision: response.revision };
    this.#after = token;
    return { batch: { type: 'events', token, events } };
  }

  #canceled({ errorCode, historyId, revision }: WatchResponse): Accepted<WatchBatch> {
    const name = errorNameOf(errorCode) ?? 'Uncategorized';
    if (name === 'WatchBufferOverflow') return { end: 'again' };
    const error = new DEngineError(name, errorRegistry[name].help);
    if (name !== 'WatchCompacted' || historyId === '') return { end: error };
    const token = { historyId, revision };
    this.#after = token;
    this.#isReady = true;
    return { batch: { type: 'resync', token, reason: error.message }, end: 'again' };
  }

  /** Copies: views would keep the whole message, and what it was cut from. */
  #eventOf({ eventType, key, value, previousValue, hadValue }: WatchResponse): WatchEvent {
    const previous = hadValue ? Uint8Array.from(previousValue) : null;
    return {
      type: eventType === 'delete' ? 'delete' : 'put',
      key: Uint8Array.from(key),
      value: eventType === 'delete' ? null : Uint8Array.from(value),
      previous: this.#withPrevious ? previous : undefined,
    };
  }
}

function keysOf(target: WatchTarget): Pick<WatchRequest, 'key' | 'prefix' | 'rangeEnd'> {
  if ('key' in target) return { key: copyOf(keyBytes(target.key)), prefix: false };
  if ('prefix' in target) return { key: copyOf(keyBytes(target.prefix)), prefix: true };
  const rangeEnd = target.end === null ? new Uint8Array(0) : copyOf(keyBytes(target.end));
  if (target.end !== null && rangeEnd.length === 0) {
    throw new DEngineError('InvalidRequest', 'the range is empty: its end is not above its start');
  }
  return { key: copyOf(keyBytes(target.start)), prefix: false, rangeEnd };
}

/** Later streams ask for the same, whatever the caller does with its buffer. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
