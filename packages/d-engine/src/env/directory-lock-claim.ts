import { stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { errorCode } from './disk-errors.ts';

/** A listening socket of our own. It tells who asks that we are the owner, once we are. */
export class ClaimSocket {
  /** Where it was bound. */
  readonly path: string;
  readonly inode: bigint;
  readonly #server: Server;
  readonly #askers: Set<Socket>;
  readonly #state: { isOwner: boolean };

  private constructor(
    path: string,
    inode: bigint,
    parts: { server: Server; askers: Set<Socket>; state: { isOwner: boolean } },
  ) {
    this.path = path;
    this.inode = inode;
    this.#server = parts.server;
    this.#askers = parts.askers;
    this.#state = parts.state;
  }

  /** Undefined when the socket was taken for a dead one and removed, before it listened. */
  static async listen(path: string): Promise<ClaimSocket | undefined> {
    const askers = new Set<Socket>();
    const state = { isOwner: false };
    const server = createServer((socket) => {
      socket.unref();
      askers.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => askers.delete(socket));
      if (state.isOwner) answer(socket);
    });
    // Neither the lock nor who asks for it keeps the host's process alive.
    server.unref();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Not exclusive, two workers of node:cluster would share one socket.
      server.listen({ path, exclusive: true }, () => {
        server.off('error', reject);
        server.on('error', () => undefined);
        resolve();
      });
    });
    try {
      const { ino } = await stat(path, { bigint: true });
      return new ClaimSocket(path, ino, { server, askers, state });
    } catch (error) {
      server.close();
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** From now on we are the owner. */
  confirm(): void {
    this.#state.isOwner = true;
    for (const socket of this.#askers) answer(socket);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#askers) socket.destroy();
    });
  }
}

function answer(socket: Socket): void {
  socket.end(`pid ${process.pid}\n`);
}
