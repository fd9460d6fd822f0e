import type { Env } from '@d-engine/base';
import { silentMetrics } from '@d-engine/base';
import type { Persist, Raft } from '@d-engine/raft';
import type { Storage } from '@d-engine/storage';
import { expect, test } from 'vitest';
import type { Applier } from './applier.ts';
import { NodeMetrics } from './node-metrics.ts';
import type { Proposals } from './proposals.ts';
import type { Reads } from './reads.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { TurnLoop } from './turn-loop.ts';

const electionTimeoutMinMs = 200;

const plainNetwork: Pick<Env['network'], 'batch'> = { batch: (work) => work() };

const emptyWrite = {
  entries: [],
  commitIndex: 0,
  hardState: undefined,
  reset: undefined,
  truncateFrom: 1,
  sync: 'now',
} as const;

/** A loop over a Raft that only wants a tick after `tickInMs`, and notes what it is told. */
function setUp(tickInMs: number, network: Pick<Env['network'], 'batch'> = plainNetwork) {
  const clock = new ManualClock();
  const rounds: (() => void)[] = [];
  const calls: string[] = [];
  const failures: unknown[] = [];
  const writes: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const persists: Persist[] = [];
  let tickAtMs = clock.monotonicMs() + tickInMs;
  const raft = {
    nextTickAtMs: () => tickAtMs,
    tick: () => {
      calls.push('tick');
      tickAtMs = Number.POSITIVE_INFINITY;
    },
    step: () => {
      calls.push('step');
      // A leader was heard: the election is put off.
      tickAtMs = clock.monotonicMs() + 1_000;
    },
    persisted: (writeId: number) => calls.push(`persisted ${writeId}`),
    hasEffects: () => persists.length > 0,
    takeEffects: () => ({
      persist: persists.shift(),
      messages: [],
      reads: [],
      entriesWanted: [],
      notices: [],
      stateChange: undefined,
    }),
  } as unknown as Raft;
  const storage = {
    write: () => new Promise<void>((resolve, reject) => writes.push({ resolve, reject })),
  } as unknown as Storage;
  const schedule = { afterPoll: (run: () => void) => rounds.push(run) };
  const env = { clock, schedule, network };
  const loop = new TurnLoop({
    env: env as unknown as Env,
    raft,
    storage,
    applier: {
      applyNext: () => false,
      isBehind: false,
      tellDurable: () => undefined,
    } as unknown as Applier,
    proposals: { propose: () => undefined, hasQueued: false } as unknown as Proposals,
    reads: { start: () => undefined } as unknown as Reads,
    timeKeeper: { onTurn: () => undefined },
    observer: {
      send: () => undefined,
      onEffects: () => undefined,
      onDurable: () => undefined,
      onStall: () => calls.push('stall'),
      refusal: () => {
        throw new Error('nothing is refused here');
      },
      onFailure: (error) => failures.push(error),
    },
    metrics: new NodeMetrics(silentMetrics, clock),
    electionTimeoutMinMs,
    flushPolicy: { kind: 'immediate' },
  });
  const turn = (): void => rounds.shift()?.();
  const persist = (writeId: number): void => {
    persists.push({ writeId, ...emptyWrite });
    loop.request();
    turn();
  };
  return { clock, loop, rounds, calls, failures, writes, turn, persist };
}

const sender = { nodeId: 2, instanceId: 'i', bootCount: 1 };
const message = { type: 'timeoutNowRequest', term: 1 } as const;

test('a timer that fires in time ticks', () => {
  const { clock, loop, calls, turn } = setUp(100);
  loop.request();
  turn();
  clock.advance(101);
  turn();
  expect(calls).toEqual(['tick']);
});

test('after a stall the sockets are looked at once more before an election begins', () => {
  const { clock, loop, calls, rounds, turn } = setUp(100);
  loop.request();
  turn();
  clock.jump(electionTimeoutMinMs * 5);
  clock.advance(0);
  turn();
  expect(calls).toEqual(['stall']);
  expect(rounds).toHaveLength(1);
  // What the leader had sent meanwhile arrives in that round.
  loop.receive(sender, message);
  turn();
  expect(calls).toEqual(['stall', 'step']);
});

test('a stall with nothing behind it ticks one round later', () => {
  const { clock, loop, calls, turn } = setUp(100);
  loop.request();
  turn();
  clock.jump(electionTimeoutMinMs * 5);
  clock.advance(0);
  turn();
  turn();
  expect(calls).toEqual(['stall', 'tick']);
});

test('what the disk finished is reported next turn, the newest write for all', async () => {
  const { calls, writes, turn, persist, failures } = setUp(10_000);
  persist(1);
  persist(2);
  writes[0]?.resolve();
  writes[1]?.resolve();
  await Promise.resolve();
  await Promise.resolve();
  turn();
  expect(calls).toEqual(['persisted 2']);
  expect(failures).toEqual([]);
});

test('a failed write is fatal, and after a stop nothing runs any more', async () => {
  const { loop, calls, writes, rounds, failures, persist } = setUp(10_000);
  persist(1);
  writes[0]?.reject(new Error('disk'));
  await Promise.resolve();
  await Promise.resolve();
  expect(failures).toHaveLength(1);
  loop.stop();
  loop.receive(sender, message);
  for (const run of rounds.splice(0)) run();
  expect(calls).toEqual([]);
});

test('what a turn sends leaves with it', () => {
  const turns: string[][] = [];
  const { loop, turn, calls, clock } = setUp(10, {
    batch(work) {
      expect(calls).toEqual([]);
      work();
      turns.push([...calls]);
    },
  });
  clock.advance(10);
  loop.request();
  turn();
  expect(turns).toEqual([['tick']]);
});
