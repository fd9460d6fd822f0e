import type { Socket } from 'node:net';
import type { ByteNetworkSettings } from './byte-options.ts';

/** What the system is told of every socket. */
export function prepareSocket(socket: Socket, settings: ByteNetworkSettings): void {
  // A frame waits for nothing: the codec gathers by itself what can leave together.
  socket.setNoDelay(true);
  const { tcpKeepAliveMs } = settings;
  if (tcpKeepAliveMs > 0) socket.setKeepAlive(true, tcpKeepAliveMs);
}
