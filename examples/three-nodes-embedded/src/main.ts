import { createServer } from 'node:http';
import { EmbeddedEngine } from 'd-engine';
import { healthService, keyValueService } from './service.ts';

// One of three processes of a service, with a node of the cluster inside: `main.ts 1`.

const id = Number(process.argv[2]);
if (![1, 2, 3].includes(id)) {
  console.error('usage: main.ts 1|2|3');
  process.exit(2);
}
const port = Number(process.env['SERVICE_PORT'] ?? 8080 + id);
const healthPort = Number(process.env['HEALTH_PORT'] ?? 10_000 + id);

const engine = await EmbeddedEngine.start({ configPath: `config/n${id}` });
engine.onLeaderChange((leader) => {
  console.log(`node ${id}: ${leader === undefined ? 'no leader' : `leader is ${leader.id}`}`);
});
const servers = [createServer(keyValueService(engine)), createServer(healthService(engine))];
servers[0]?.listen(port);
servers[1]?.listen(healthPort);
console.log(`node ${id}: http://127.0.0.1:${port}/kv, health on ${healthPort}`);

const stop = (): void => {
  for (const server of servers) server.close();
  engine.stop().catch((error: unknown) => console.error(String(error)));
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
const reason = await engine.closed;
if (reason !== undefined) {
  console.error(`node ${id} failed: ${reason.message}`);
  process.exit(1);
}
console.log(`node ${id} stopped`);
