import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ByteListener, ByteNetwork, ByteStream, ByteStreamHandler } from '@d-engine/base';

/** Streams of bytes over real sockets, as plainly as they go: for tests against foreign peers. */
export class SocketByteStream implements ByteStream {
  readonly socket: Socket;
  readonly localHost = '127.0.0.1';

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  start(handler: ByteStreamHandler): void {
    const socket = this.socket;
    let error: Error | undefined;
    socket.on('connect', () => handler.onOpen?.());
    socket.on('data', (bytes: Buffer) => handler.onBytes(bytes));
    socket.on('drain', () => handler.onDrain?.());
    socket.on('end', () => handler.onEnd());
    socket.on('error', (thrown) => {
      error = thrown;
    });
    socket.on('close', () => handler.onClose(error));
  }

  write(bytes: Uint8Array): boolean {
    return !this.socket.destroyed && this.socket.write(bytes);
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }
}

export const socketByteNetwork: ByteNetwork = {
  async listen(address, onConnection): Promise<ByteListener> {
    const sockets = new Set<Socket>();
    const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      const stream = new SocketByteStream(socket);
      stream.start(onConnection(stream));
    });
    server.listen(Number(address.split(':')[1]), '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    return {
      address: `127.0.0.1:${port}`,
      close: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        }),
    };
  },
  connect(address, handler): ByteStream {
    const [host = '', port] = address.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
    const stream = new SocketByteStream(socket);
    stream.start(handler);
    return stream;
  },
};
