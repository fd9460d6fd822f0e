import { createServer } from 'node:net';

/** The nodes of this example, as its config files and the Makefile have them. */
export interface ExampleNode {
  readonly id: number;
  readonly port: number;
  readonly metricsPort: number;
}

export const nodes: readonly ExampleNode[] = [1, 2, 3].map((id) => ({
  id,
  port: 9080 + id,
  metricsPort: 8080 + id,
}));

/** Whether somebody listens on the port already. */
export function isPortTaken(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(true);
      else reject(error);
    });
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(false)));
  });
}

/** The ports of all nodes that somebody listens on. */
export async function takenPorts(): Promise<number[]> {
  const taken: number[] = [];
  for (const { port, metricsPort } of nodes) {
    for (const candidate of [port, metricsPort]) {
      if (await isPortTaken(candidate)) taken.push(candidate);
    }
  }
  return taken;
}
