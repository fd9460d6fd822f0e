import { EmbeddedEngine } from 'd-engine';
import type { RegistryChange } from './registry.ts';
import { Registry } from './registry.ts';

// Instances of a service come, move and go; a watcher of the registry hears of each.

const engine = await EmbeddedEngine.start({ dataDir: process.env['DATA_DIR'] ?? './data' });
await engine.waitReady();
const registry = new Registry(engine.client());
for (const id of ['node1', 'node2']) await registry.unregister('payment', id);

const enough = new AbortController();
const changes = registry.watch('payment', enough.signal);
print((await changes.next()).value ?? undefined);
const following = follow();
await registry.register({ service: 'payment', id: 'node1', address: '192.168.1.10:8080' });
await registry.register({ service: 'payment', id: 'node2', address: '192.168.1.11:8080' });
await registry.register({ service: 'payment', id: 'node1', address: '192.168.1.20:8080' });
await registry.unregister('payment', 'node2');
await following;
await engine.stop();

async function follow(): Promise<void> {
  for await (const change of changes) {
    print(change);
    if (change.type === 'went') enough.abort();
  }
}

function print(change: RegistryChange | undefined): void {
  if (change === undefined) return;
  if (change.type === 'all') {
    console.log(`watching, ${change.instances.length} instances`);
  } else if (change.type === 'came') {
    const { id, address } = change.instance;
    console.log(`+ ${id} at ${address}, before ${change.before ?? 'nothing'}`);
  } else console.log(`- ${change.instance.id}`);
}
