import type { IncomingMessage, ServerResponse } from 'node:http';
import { announcedBytes, awaitsContinue } from './request-body.ts';
import type { Answer, StreamedAnswer } from './route.ts';

export interface DiscardLimits {
  readonly discardBytesMax: number;
  readonly discardMs: number;
}

/** Begins an answer without a known end. */
export function startAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: StreamedAnswer,
): void {
  request.resume();
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-type': answer.contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  answer.start(response);
  if (request.method === 'HEAD') response.end();
}

/**
 * Sends an answer, also while the caller still sends its body. Closing a socket with unread bytes
 * in it resets the connection, and the caller may never see why it was refused. So a rest of
 * known and bearable length is thrown away and the connection goes on; any other rest is thrown
 * away for a while after the answer, and then the connection ends.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  options: DiscardLimits & { readonly close: boolean },
): void {
  if (response.destroyed || response.headersSent) return;
  const body = Buffer.from(answer.body, 'utf8');
  const unread = !request.readableEnded && !request.complete;
  const rest = unread ? (announcedBytes(request) ?? Number.POSITIVE_INFINITY) : 0;
  // A caller that wants the connection closed after the answer still has to get to see it.
  const keeps = response.shouldKeepAlive && !options.close;
  const bearable =
    !unread || (keeps && rest <= options.discardBytesMax && !awaitsContinue(request));
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-type': answer.contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(options.close || !bearable ? { connection: 'close' } : {}),
  });
  if (bearable) {
    request.resume();
    response.end(body);
    return;
  }
  response.write(body);
  discard(request, options, () => response.end());
}

function discard(request: IncomingMessage, limits: DiscardLimits, done: () => void): void {
  let bytes = 0;
  const stop = (): void => {
    clearTimeout(timer);
    request.off('data', onData).off('end', stop).off('close', stop);
    done();
  };
  const timer = setTimeout(stop, limits.discardMs);
  timer.unref();
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > limits.discardBytesMax) stop();
  };
  request.on('data', onData).on('end', stop).on('close', stop);
  request.resume();
}
