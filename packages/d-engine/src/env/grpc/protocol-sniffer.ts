import type { Socket } from 'node:net';
import { detectProtocol, http2Preface } from '@d-engine/wire';

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
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('close', stop);
  };
  const onData = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const protocol = detectProtocol(seen.subarray(0, http2Preface.length));
    if (protocol === 'undecided') return;
    stop();
    socket.pause();
    socket.unshift(seen);
    onDecided(protocol);
    if (protocol === 'http1') socket.resume();
  };
  socket.on('close', stop);
  socket.on('data', onData);
}
