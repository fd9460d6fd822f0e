import { describe, expect, onTestFinished, test } from 'vitest';
import { applicationConformance } from '../../../packages/d-engine/src/storage.ts';
import { startTestCluster } from '../../../packages/d-engine/src/testing.ts';
import { Bank } from '../src/bank.ts';
import type { BankCommand } from '../src/messages.ts';
import { encode } from '../src/messages.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (given: Uint8Array): unknown => JSON.parse(Buffer.from(given).toString());

const commands: readonly BankCommand[] = [
  { type: 'deposit', to: 'ada', amount: 100 },
  { type: 'transfer', from: 'ada', to: 'bob', amount: 30 },
  { type: 'transfer', from: 'bob', to: 'ada', amount: 1_000 },
  { type: 'deposit', to: 'bob', amount: -1 },
  { type: 'transfer', from: 'bob', to: 'cleo', amount: 5 },
];

describe('the bank as a state machine', () => {
  const cases = applicationConformance(() => new Bank(), {
    commands: [...commands.map(encode), bytes('{'), encode({ type: 'rob' })],
    queries: [bytes(''), bytes('ada'), bytes('nobody')],
  });
  test.each(cases)('$name', ({ run }) => run());
});

test('three banks agree, also after one was lost and came back', async () => {
  const cluster = await startTestCluster({ nodes: 3, stateMachine: () => new Bank() });
  onTestFinished(() => cluster.stop());
  const bank = cluster.application();
  const answers: unknown[] = [];
  for (const command of commands) answers.push(read((await bank.propose(encode(command))).result));
  expect(answers).toEqual([
    { ok: true, balance: 100 },
    { ok: true, balance: 30 },
    { ok: false, reason: 'bob has only 30' },
    { ok: false, reason: 'an amount is a whole number above zero' },
    { ok: true, balance: 5 },
  ]);
  const lost = await cluster.killLeader();
  await bank.propose(encode({ type: 'deposit', to: 'cleo', amount: 1 }));
  await cluster.restart(lost);
  for (const id of cluster.nodeIds) {
    const { result } = await cluster.application(id).query(bytes(''));
    expect(read(result)).toEqual({ ada: 70, bob: 25, cleo: 6 });
  }
  await expect(bank.query(bytes('nobody'))).rejects.toThrow('no account of nobody');
});
