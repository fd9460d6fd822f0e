import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRealEnv } from '../real-env.ts';

// Uses every part of the environment once, closes it, and must then end by itself.
const env = createRealEnv();
const directory = mkdtempSync(join(tmpdir(), 'd-engine-env-'));
const lock = await env.disk.lockDirectory(directory);
const file = await env.disk.open(join(directory, 'log'), 'create');
for (let position = 0; position < 40; position += 4) {
  await file.writeAndSync(position, [Buffer.from('data')]);
}
await file.close();
const packed = await env.compute.gzip(Buffer.alloc(1_000));
const listener = await env.network.listen('127.0.0.1:0', {
  onCall: (call) => call.reply(call.request),
  onStream: () => ({ onMessage: () => undefined, onClose: () => undefined }),
});
const channel = env.network.connect(listener.address);
const answer = await channel.call('a.B/C', packed, { deadlineMs: 5_000 });
channel.openStream('d_engine.peer.v1.PeerService/Data', {
  onMessage: () => undefined,
  onClose: () => undefined,
});
await new Promise<void>((resolve) => {
  env.clock.setTimer(20, () => env.schedule.afterPoll(resolve));
});
await lock.release();
await env.close();
rmSync(directory, { recursive: true });
process.stdout.write(`closed after an answer of ${answer.message.length} bytes\n`);
