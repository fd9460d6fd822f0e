import { NodeBuilder } from 'd-engine';

// A store of one node inside this program: started, written, read, and stopped by Ctrl-C.

const shutdown = new AbortController();
process.once('SIGINT', () => shutdown.abort());
process.once('SIGTERM', () => shutdown.abort());

const dataDir = process.env['DATA_DIR'] ?? './data';
const node = new NodeBuilder({ dataDir }, shutdown.signal).build();
await node.startRpcServer();
await node.ready();
const running = node.run();

const store = node.engine.client();
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

await store.put('workflow:status', 'running');
for (const id of [1, 2, 3]) await store.put(`task:${id}`, `step ${id} done`);
for (const key of ['workflow:status', 'task:1', 'task:2', 'task:3']) {
  const entry = await store.get(key, { consistency: 'linearizable' });
  console.log(`${key} = ${text(entry?.value)} (revision ${entry?.modRevision})`);
}

console.log('Application started. Waiting for CTRL+C signal...');
await running;
console.log('Exiting program.');
