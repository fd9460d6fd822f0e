import type { Socket } from 'node:net';
import { DEngineError } from '@d-engine/base';
import { errorAnswer } from './error-answer.ts';
import type { HttpLimits } from './http-limits.ts';

const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
};

/** How long the caller gets to take the answer before its connection is cut. */
const lingerMs = 1_000;

/** Answers what Node's parser refused, on the bare socket: there is no request object. */
export function answerMalformed(socket: Socket, error: Error, limits: HttpLimits): void {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const seconds = (limits.headersTimeoutMs + limits.requestTimeoutMs) / 1000;
    const text =
      `the request did not arrive in time: ${limits.headersTimeoutMs / 1000} s for its headers, ` +
      `${seconds} s for all of it`;
    writeRaw(socket, 408, new DEngineError('InvalidRequest', text));
  } else if (code === 'HPE_HEADER_OVERFLOW') {
    const text =
      `request line and headers are over the limit of ${limits.headerBytesMax} bytes; ` +
      'longer keys can be read over gRPC';
    writeRaw(socket, 431, new DEngineError('RequestTooLarge', text));
  } else if (code.startsWith('HPE_')) {
    writeRaw(socket, 400, new DEngineError('InvalidRequest', `not HTTP/1.1: ${error.message}`));
  } else {
    socket.destroy();
  }
}

export function answerTooManyConnections(socket: Socket, connectionsMax: number): void {
  const text = `${connectionsMax} connections are open already: retry after the pause`;
  writeRaw(socket, 429, new DEngineError('RateLimited', text));
}

function writeRaw(socket: Socket, status: number, error: DEngineError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const answer = errorAnswer(error, {
    writes: false,
    callerHost: 'localhost',
    leaderHint: () => undefined,
    status,
  });
  const head = {
    'content-type': answer.contentType,
    'content-length': String(Buffer.byteLength(answer.body)),
    connection: 'close',
    ...answer.headers,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${statusTexts[status]}\r\n${lines.join('')}\r\n${answer.body}`);
  // Cutting at once could reset the connection before the caller has read why.
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
