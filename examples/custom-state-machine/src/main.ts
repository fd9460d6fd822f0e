import { EmbeddedEngine } from 'd-engine';
import { Bank } from './bank.ts';
import type { BankCommand } from './messages.ts';
import { encode } from './messages.ts';

// A bank on one node. On three, each starts with the same machine and names the others.

const engine = await EmbeddedEngine.start({
  dataDir: process.env['DATA_DIR'] ?? './data',
  stateMachine: () => new Bank(),
});
await engine.waitReady();

async function ask(command: BankCommand): Promise<void> {
  const { result, revision } = await engine.propose(encode(command));
  console.log(`${JSON.stringify(command)} -> ${Buffer.from(result).toString()} @${revision}`);
}

await ask({ type: 'deposit', to: 'ada', amount: 100 });
await ask({ type: 'transfer', from: 'ada', to: 'bob', amount: 30 });
await ask({ type: 'transfer', from: 'bob', to: 'ada', amount: 1_000 });
const { result } = await engine.query(new Uint8Array(0), { consistency: 'linearizable' });
console.log(`balances ${Buffer.from(result).toString()}`);
await engine.stop();
