import type { ClientApi } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import { AnswerWatch } from '../src/answer-watch.ts';
import type { Counts } from '../src/counters.ts';
import { Counters } from '../src/counters.ts';
import { roomyLimits } from '../src/draw-variety.ts';
import type { Command, Outcome } from '../src/history/operation.ts';
import { patienceMs, Recorder } from '../src/recorder.ts';

const put: Command = { type: 'put', value: 'v' };
const read: Command = { type: 'read', consistency: 'lease' };
const never = new Promise<never>(() => undefined);

async function outcomeOf(command: Command, result: () => Promise<unknown>) {
  const world = new VirtualWorld({ seed: 1 });
  const violations: string[] = [];
  const watch = new AnswerWatch(world, (_check, text) => violations.push(text));
  const counters = new Counters();
  const recorder = new Recorder({
    world,
    counters,
    watch,
    limits: { ...roomyLimits, pendingReadsMax: 1, pendingWritesMax: 1, valueBytesMax: 0 },
    isCutOff: () => false,
    say: undefined,
  });
  const client = { put: result, read: result } as unknown as ClientApi;
  const host = world.host('n1');
  const target = { client, name: 'n1 start 1', node: undefined, host, deadlineMs: 960 };
  const performed = recorder.perform('c', target, 'k', command);
  expect(watch.owed).toHaveLength(1);
  await world.complete(performed);
  expect(watch.owed).toEqual([]);
  const [operation] = recorder.history;
  return {
    outcome: operation?.outcome,
    settledAtMs: operation?.settledAtMs,
    violations,
    counts: counters.counts,
  };
}

const unknown: Outcome = { type: 'unknown' };
const refused: Outcome = { type: 'refused' };

test('an answer is recorded as it came', async () => {
  const { outcome } = await outcomeOf(put, () => Promise.resolve({ revision: 7 }));
  expect(outcome).toEqual({ type: 'answered', answer: { type: 'put', revision: 7 } });
  const entries = [{ value: Buffer.from('w'), modRevision: 3 }];
  const seen = await outcomeOf(read, () => Promise.resolve({ entries, revision: 9 }));
  const answer = { type: 'read', value: 'w', modRevision: 3, revision: 9 };
  expect(seen.outcome).toEqual({ type: 'answered', answer });
});

test('a write that may have been applied is unknown for ever', async () => {
  const error = new DEngineError('ProposeFailed', 'late');
  const { outcome, settledAtMs } = await outcomeOf(put, () => Promise.reject(error));
  expect(outcome).toEqual(unknown);
  expect(settledAtMs).toBe(Infinity);
});

test('a write that was refused had no effect, and a read that failed saw nothing', async () => {
  const error = new DEngineError('ClusterUnavailable', 'nobody');
  expect((await outcomeOf(put, () => Promise.reject(error))).outcome).toEqual(refused);
  const late = new DEngineError('ProposeFailed', 'late');
  expect((await outcomeOf(read, () => Promise.reject(late))).outcome).toEqual(refused);
});

test('a caller that nobody answers gives up, and tells', async () => {
  const { counts: _, ...write } = await outcomeOf(put, () => never);
  const violations = ['no answer in the 1500 ms that n1 ran: put of k by c'];
  expect(write).toEqual({ outcome: unknown, settledAtMs: Infinity, violations });
  const { outcome, settledAtMs } = await outcomeOf(read, () => never);
  expect(outcome).toEqual(refused);
  expect(settledAtMs).toBe(patienceMs);
});

test('refusals for want of room and for length are counted apart', async () => {
  const full = new DEngineError('RateLimited', 'full');
  const long = new DEngineError('RequestTooLarge', 'long');
  const counted = async (command: Command, error: Error): Promise<Counts> =>
    (await outcomeOf(command, () => Promise.reject(error))).counts;
  expect(await counted(put, full)).toEqual({ 'writes refused by a full queue': 1 });
  expect(await counted(read, full)).toEqual({ 'reads refused by a full queue': 1 });
  expect(await counted(put, long)).toEqual({ 'values refused as too long': 1 });
});

test('a defect is no outcome', async () => {
  const defect = new Error('a defect');
  await expect(outcomeOf(put, () => Promise.reject(defect))).rejects.toBe(defect);
});
