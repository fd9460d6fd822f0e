import type { Socket } from 'node:net';
import { readFirstBytes } from '../bytes/first-bytes.ts';

/**
 * Waits until the first bytes of a connection say which protocol it speaks, puts them back, and
 * hands the socket on, not flowing for HTTP/2 (its session reads the handle itself) and flowing
 * again for HTTP/1.1. A connection that does not say within the time is dropped.
 */
export function sniffProtocol(
  socket: Socket,
  timeoutMs: number,
  onDecided: (protocol: 'http2' | 'http1') => void,
): void {
  readFirstBytes(socket, timeoutMs, (protocol, firstBytes) => {
    socket.unshift(firstBytes);
    onDecided(protocol);
    if (protocol === 'http1') socket.resume();
  });
}
