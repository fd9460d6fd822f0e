import type { IncomingStream, StreamHandler, WatchEvent } from '@d-engine/base';
import { DEngineError, MalformedMessage } from '@d-engine/base';
import type { WatchRequest, WatchResponse } from '@d-engine/wire';
import { decodeWatchRequest, encodeWatchResponse, toFailure } from '@d-engine/wire';
import { prefixSelection, type WatchSelection } from '../watch/watch-selection.ts';
import type { OpenWatch, WatcherRequest, WatchNotice, WatchOpener } from '../watch/watcher.ts';

/** The original's `Watch`: one request, then an event a message, as fast as the caller reads. */
export class WatchStream implements StreamHandler {
  readonly #stream: IncomingStream;
  readonly #watches: WatchOpener;
  #watcher: OpenWatch | undefined;
  #request: WatchRequest | undefined;
  /** The caller does not take more now. */
  #isBlocked = false;

  constructor(stream: IncomingStream, watches: WatchOpener) {
    this.#stream = stream;
    this.#watches = watches;
  }

  onMessage(message: Uint8Array): void {
    if (this.#request !== undefined) {
      this.#stream.reset({ status: 'invalidArgument', message: 'a watch has one request' });
      return;
    }
    try {
      this.#request = decodeWatchRequest(message);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const problem = `unreadable request: ${error.message}`;
      this.#stream.reset({ status: 'invalidArgument', message: problem });
      return;
    }
    this.#open(this.#request);
  }

  onDrain(): void {
    this.#isBlocked = false;
    this.#pump();
  }

  onEnd(): void {
    if (this.#request !== undefined) return;
    this.#stream.reset({ status: 'invalidArgument', message: 'the request is missing' });
  }

  onClose(): void {
    this.#watcher?.close();
  }

  #open(request: WatchRequest): void {
    const opened = this.#watches.open(watcherRequest(request), () => this.#pump());
    if (!(opened instanceof DEngineError)) {
      this.#watcher = opened;
      this.#pump();
    } else if (opened.name === 'WatchCompacted') this.#cancel(opened);
    else this.#stream.reset(toFailure(opened));
  }

  #pump(): void {
    while (!this.#isBlocked) {
      const notice = this.#watcher?.next();
      if (notice === undefined) return;
      this.#tell(notice);
    }
  }

  #tell(notice: WatchNotice): void {
    switch (notice.type) {
      case 'ready':
        if (this.#request?.announce === true) this.#tell({ type: 'progress', token: notice.token });
        return;
      case 'progress':
        this.#send({ ...blank, ...notice.token, eventType: 'progress' });
        return;
      case 'events':
        for (const [position, event] of notice.events.entries()) {
          const more = position + 1 < notice.events.length;
          this.#send({ ...eventResponse(event), revision: notice.token.revision, more });
        }
        return;
      case 'canceled':
        this.#cancel(notice.error);
    }
  }

  /** Told within the stream, as the original does; what ends all of them is its failure. */
  #cancel(error: DEngineError): void {
    if (error.name !== 'WatchCompacted' && error.name !== 'WatchBufferOverflow') {
      this.#stream.reset(toFailure(error));
      return;
    }
    const place = error.resumeAt ?? { revision: 0, historyId: '' };
    this.#send({ ...blank, ...place, eventType: 'canceled', errorCode: error.code });
    this.#stream.end();
  }

  #send(response: WatchResponse): void {
    if (!this.#stream.send(encodeWatchResponse(response))) this.#isBlocked = true;
  }
}

const empty = new Uint8Array(0);

const blank: WatchResponse = {
  key: empty,
  value: empty,
  eventType: 'put',
  errorCode: 0,
  revision: 0,
  previousValue: empty,
  historyId: '',
  more: false,
  hadValue: false,
};

function eventResponse({ type, key, value, previous }: WatchEvent): WatchResponse {
  return {
    ...blank,
    key,
    value: value ?? empty,
    eventType: type,
    previousValue: previous ?? empty,
    hadValue: previous !== undefined && previous !== null,
  };
}

function watcherRequest(request: WatchRequest): WatcherRequest {
  const { afterRevision, historyId, progressIntervalMs } = request;
  return {
    selection: selectionOf(request),
    after:
      afterRevision === undefined
        ? undefined
        : { revision: afterRevision, historyId: historyId === '' ? undefined : historyId },
    previousValues: request.prevKv,
    progressIntervalMs:
      progressIntervalMs === 0 ? undefined : Math.max(progressIntervalMs, progressMsMin),
  };
}

/** A stranger must not make a member busy with signs of life. */
const progressMsMin = 100;

function selectionOf({ key, prefix, rangeEnd }: WatchRequest): WatchSelection {
  if (rangeEnd !== undefined) {
    const end = rangeEnd.length === 0 ? null : Buffer.from(rangeEnd);
    return { type: 'range', start: Buffer.from(key), end };
  }
  return prefix ? prefixSelection(key) : { type: 'key', key: Buffer.from(key) };
}
