import {
  DEngineError,
  exactIntegerMax,
  limits,
  parseResumeToken,
  type WatchOptions,
} from '@d-engine/base';
import { prefixSelection, type WatchOpener, type WatchSelection } from '@d-engine/node';
import { errorAnswer } from './error-answer.ts';
import { EventStream } from './event-stream.ts';
import type { Route, RouteRequest, StreamedAnswer } from './route.ts';

/** /watch: changes as server-sent events. */
export function watchRoute(watches: WatchOpener): Route {
  return {
    method: 'GET',
    path: '/watch',
    parameters: ['key', 'prefix', 'start', 'end', 'from_revision', 'prev'],
    writes: false,
    handle: (request) => openWatch(watches, request),
  };
}

function openWatch(watches: WatchOpener, request: RouteRequest): StreamedAnswer {
  const { parameters, callerHost } = request;
  let stream: EventStream | undefined;
  const watcher = watches.open(
    {
      selection: parseSelection(parameters),
      after: parseAfter(parameters, request.header('last-event-id')),
      previousValues: parseSwitch(parameters, 'prev'),
      progressIntervalMs: undefined,
    },
    () => stream?.pump(),
  );
  if (watcher instanceof DEngineError) throw watcher;
  return {
    status: 200,
    contentType: 'text/event-stream; charset=utf-8',
    start(response) {
      const errorText = (error: DEngineError): string =>
        errorAnswer(error, { writes: false, callerHost, leaderHint: () => undefined }).body.trim();
      stream = new EventStream(response, { watcher, errorText });
      stream.pump();
    },
  };
}

function parseSelection(parameters: ReadonlyMap<string, string>): WatchSelection {
  const key = parameters.get('key');
  const prefix = parameters.get('prefix');
  const start = parameters.get('start');
  const end = parameters.get('end');
  const isRange = start !== undefined || end !== undefined;
  const given = [key !== undefined, prefix !== undefined, isRange].filter(Boolean).length;
  if (given !== 1) {
    const usage = 'use one of /watch?key=..., /watch?prefix=... and /watch?start=...&end=...';
    throw new DEngineError('InvalidRequest', `what to watch is not clear: ${usage}`);
  }
  if (key !== undefined) return { type: 'key', key: bytesOf(key) };
  if (prefix !== undefined) return prefixSelection(bytesOf(prefix));
  const last = end === undefined ? null : bytesOf(end);
  return { type: 'range', start: bytesOf(start ?? ''), end: last };
}

/** What a browser sends after a reconnect goes before the address, which is the first one still. */
function parseAfter(
  parameters: ReadonlyMap<string, string>,
  lastEventId: string | undefined,
): WatchOptions['after'] {
  if (lastEventId !== undefined && lastEventId !== '') {
    const token = parseResumeToken(lastEventId);
    if (token !== undefined) return token;
    const shown = JSON.stringify(lastEventId);
    throw new DEngineError('InvalidRequest', `Last-Event-ID ${shown} is no id of a watch`);
  }
  const text = parameters.get('from_revision');
  if (text === undefined) return undefined;
  const token = parseResumeToken(text);
  if (token !== undefined) return token;
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (revision <= exactIntegerMax) return { revision };
  throw new DEngineError(
    'InvalidRequest',
    `from_revision ${JSON.stringify(text)} is no revision: a whole number from an answer, or an ` +
      'id of an event',
  );
}

function parseSwitch(parameters: ReadonlyMap<string, string>, name: string): boolean {
  const text = parameters.get(name);
  if (text === undefined || text === 'false' || text === '0') return false;
  if (text === '' || text === 'true' || text === '1') return true;
  throw new DEngineError('InvalidRequest', `${name} is true or false, not ${JSON.stringify(text)}`);
}

function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= limits.keyBytesMax) return bytes;
  throw new DEngineError(
    'RequestTooLarge',
    `a key of ${bytes.length} bytes is over the limit of ${limits.keyBytesMax}`,
  );
}
