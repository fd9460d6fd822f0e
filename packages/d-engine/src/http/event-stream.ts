import type { ServerResponse } from 'node:http';
import type { ResumeToken, WatchEvent } from '@d-engine/base';
import { type DEngineError, formatResumeToken } from '@d-engine/base';
import type { OpenWatch, WatchNotice } from '@d-engine/node';
import { encodeValue } from './value-encoding.ts';

/** Proxies and browsers cut connections on which nothing moves, seldom before 30 s. */
const keepAliveMs = 15_000;

export interface EventStreamOptions {
  readonly watcher: OpenWatch;
  /** The body of an error, as JSON. */
  errorText(error: DEngineError): string;
}

/** Tells a watcher's notices as server-sent events, as fast as the caller reads. */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #response: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;
  #isBlocked = false;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    this.#keepAlive = setInterval(() => this.#write(': keep-alive\n\n'), keepAliveMs);
    this.#keepAlive.unref();
    response.on('drain', () => {
      this.#isBlocked = false;
      this.pump();
    });
    response.once('close', () => {
      clearInterval(this.#keepAlive);
      options.watcher.close();
    });
    if (response.destroyed) options.watcher.close();
    else response.flushHeaders();
  }

  /** Writes what there is. */
  pump(): void {
    while (!this.#isBlocked) {
      const notice = this.#options.watcher.next();
      if (notice === undefined) return;
      this.#tell(notice);
    }
  }

  #tell(notice: WatchNotice): void {
    switch (notice.type) {
      case 'ready':
      case 'progress':
        this.#event(notice.type, JSON.stringify({ revision: notice.token.revision }), notice.token);
        return;
      case 'events':
        for (const [position, event] of notice.events.entries()) {
          // Going on from the middle of a revision would lose its rest: only its end has an id.
          const isLast = position + 1 === notice.events.length;
          const text = eventText(event, notice.token.revision);
          this.#event(event.type, text, isLast ? notice.token : undefined);
        }
        return;
      case 'canceled':
        this.#event('canceled', this.#options.errorText(notice.error), notice.error.resumeAt);
        this.#response.end();
    }
  }

  #event(name: string, data: string, token: ResumeToken | undefined): void {
    const id = token === undefined ? '' : `id: ${formatResumeToken(token)}\n`;
    this.#write(`event: ${name}\n${id}data: ${data}\n\n`);
  }

  /** A comment between two events of a caller that is behind would only make it later. */
  #write(text: string): void {
    if (this.#response.writableEnded || (this.#isBlocked && text.startsWith(':'))) return;
    if (!this.#response.write(text)) this.#isBlocked = true;
  }
}

function eventText(event: WatchEvent, revision: number): string {
  const key = encodeValue(event.key, undefined);
  const value = event.value === null ? undefined : encodeValue(event.value, undefined);
  const { previous } = event;
  const before =
    previous === undefined || previous === null ? previous : encodeValue(previous, undefined);
  return JSON.stringify({
    key: key.text,
    key_encoding: key.encoding,
    value: value?.text,
    encoding: value?.encoding,
    revision,
    prev_value: before === null ? null : before?.text,
    prev_encoding: before?.encoding,
  });
}
