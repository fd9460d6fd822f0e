import { type OnReadOpts, Socket } from 'node:net';

/** As much as libuv reads at a time. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * Elsewhere a read that waits for bytes holds its buffer, so that sockets cannot share one.
 */
export const canLendReads: boolean = process.platform !== 'win32';

/**
 * Reads go into one buffer, of which each receiver gets a view for the time of its call. Node's
 * `data` event makes a new buffer of 64 KiB for every read instead, and shrinks it afterwards:
 * 1 to 3 us, which is as much as a whole call costs the codec above.
 */
export function lendReadsTo(receive: (bytes: Buffer) => void): OnReadOpts {
  return {
    buffer: readBuffer,
    callback: (length) => {
      receive(readBuffer.subarray(0, length));
      return true;
    },
  };
}

interface SocketWithHandle {
  _handle?: object | null;
}

/**
 * An accepted socket as one that lends its reads: Node offers that for sockets that connect only,
 * so the system's socket moves to a new object. The old one ends with it, as the server counts
 * that one. Undefined where this Node does not let it; the socket is then as it was.
 */
export function moveToLentReads(
  accepted: Socket,
  receive: (bytes: Buffer) => void,
): Socket | undefined {
  const old = accepted as SocketWithHandle;
  const handle = old._handle;
  if (!canLendReads || handle === undefined || handle === null) return undefined;
  const options = { handle, allowHalfOpen: true, onread: lendReadsTo(receive) };
  const socket = new Socket(options);
  old._handle = null;
  socket.on('close', () => accepted.destroy());
  return socket;
}
