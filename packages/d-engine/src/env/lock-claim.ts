import { stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';

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

  static async listen(path: string): Promise<ClaimSocket> {
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
    const { ino } = await stat(path, { bigint: true });
    return new ClaimSocket(path, ino, { server, askers, state });
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
