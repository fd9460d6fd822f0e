import type { Socket } from 'node:net';
import { detectProtocol, http2Preface } from '@d-engine/wire';

/**
 * Reads until the first bytes of a connection say which protocol it speaks, and hands them and
 * the socket on, which stands still. A connection that does not say within the time is dropped.
 */
export function readFirstBytes(
  socket: Socket,
  timeoutMs: number,
  onDecided: (protocol: 'http2' | 'http1', firstBytes: Buffer) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const drop = (): void => {
    socket.destroy();
  };
  const timer = setTimeout(drop, timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('end', drop);
    socket.off('close', stop);
  };
  const onData = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const protocol = detectProtocol(seen.subarray(0, http2Preface.length));
    if (protocol === 'undecided') return;
    stop();
    socket.pause();
    onDecided(protocol, seen);
  };
  socket.on('close', stop);
  // Whoever ends without having said anything waits for nothing.
  socket.on('end', drop);
  socket.on('data', onData);
}
