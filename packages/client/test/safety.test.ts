import { DEngineError, type ErrorName, errorRegistry } from '@d-engine/base';
import { encodeClientResponse } from '@d-engine/wire';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { a, b, ClientFixture, c, failsWith, serves, written } from './client-fixture.ts';
import { statusError } from './fake-network.ts';

let fixture: ClientFixture;
beforeEach(() => {
  fixture = new ClientFixture();
});

describe('a write that may have been applied', () => {
  it.each(['reset', 'silence'] as const)('%s: is never sent again', async (outcome) => {
    fixture.member(a, () => outcome);
    fixture.member(b, serves());
    fixture.member(c, serves());
    const error = await fixture.failure(fixture.connect().put('k', 'v'));
    expect(error.name).toBe('ConnectionTimeout');
    expect(error.mayHaveBeenApplied).toBe(true);
    expect(error.message).toMatch(/10\.0\.0\.1:9081.*read before writing again/);
    expect(fixture.network.addresses).toEqual([a]);
  });

  it('lets the next operation look for the leader elsewhere', async () => {
    fixture.member(a, () => 'silence');
    fixture.member(b, serves(2));
    fixture.member(c, serves(2));
    const client = fixture.connect();
    await fixture.failure(client.put('k', 'v'));
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 2 });
    expect(fixture.network.addresses).toEqual([a, b]);
  });

  const maybe = (Object.keys(errorRegistry) as ErrorName[]).filter(
    (name) => errorRegistry[name].applied === 'maybe',
  );
  it.each(maybe)('by the word of the member, %s: is never sent again', async (name) => {
    fixture.member(a, failsWith(name, 'something happened'));
    fixture.member(b, serves());
    const error = await fixture.failure(fixture.connect().put('k', 'v'));
    expect(error.name).toBe(name);
    expect(error.mayHaveBeenApplied).toBe(true);
    expect(fixture.network.deliveries).toHaveLength(1);
  });

  it('by the words of an unknown member: a status alone proves nothing', async () => {
    for (const status of ['unavailable', 'resourceExhausted', 'aborted', 'internal'] as const) {
      fixture.member(a, async () => {
        throw statusError(status, 'somebody on the way says no', true);
      });
      const client = fixture.connect({ endpoints: [a] });
      const error = await fixture.failure(client.put('k', 'v'));
      expect([status, error.mayHaveBeenApplied]).toEqual([status, true]);
    }
    expect(fixture.network.deliveries).toHaveLength(4);
  });

  it('in a response that does not say: only what is refused early is sent again', async () => {
    for (const [code, deliveries] of [
      [4005, 1],
      [4001, 2],
    ] as const) {
      fixture.network.deliveries.length = 0;
      let refusals = 1;
      const refusal = encodeClientResponse({ type: 'error', code, metadata: {} });
      fixture.member(a, () => (refusals-- > 0 ? refusal : written(1)));
      const client = fixture.connect({ endpoints: [a] });
      await fixture.clock.run(client.put('k', 'v').catch(() => undefined));
      expect(fixture.network.deliveries).toHaveLength(deliveries);
    }
  });
});

describe('what cannot end otherwise is not tried again', () => {
  it.each<ErrorName>([
    'InvalidRequest',
    'RequestTooLarge',
    'Unsupported',
    'Forbidden',
    'DiskFull',
    'VersionMismatch',
  ])('%s', async (name) => {
    fixture.member(a, failsWith(name, 'no'));
    const client = fixture.connect({ endpoints: [a] });
    for (const act of [() => client.put('k', 'v'), () => client.get('k')]) {
      const error = await fixture.failure(act());
      expect(error).toMatchObject({ name, mayHaveBeenApplied: false });
      expect(error.message).toMatch(/: no \(10\.0\.0\.1:9081\)$/);
    }
    expect(fixture.network.deliveries).toHaveLength(2);
  });
});

describe('a read', () => {
  it('is tried elsewhere whatever became of it, within its deadline', async () => {
    fixture.member(a, () => 'silence');
    fixture.member(b, () => 'reset');
    fixture.member(c, serves(9));
    const client = fixture.connect();
    const startMs = fixture.clock.monotonicMs();
    const result = await fixture.clock.run(client.read(['k']));
    expect(result.revision).toBe(9);
    expect(fixture.network.addresses).toEqual([a, b, c]);
    expect(fixture.clock.monotonicMs() - startMs).toBe(1_000);
  });

  it('that nobody answers ends at its deadline, and has changed nothing', async () => {
    for (const address of [a, b, c]) fixture.member(address, () => 'silence');
    const startMs = fixture.clock.monotonicMs();
    const error = await fixture.failure(fixture.connect().get('k', { deadlineMs: 900 }));
    expect(error).toMatchObject({ name: 'DeadlineExceeded', mayHaveBeenApplied: false });
    expect(fixture.clock.monotonicMs() - startMs).toBeLessThanOrEqual(900);
  });
});

// ---- the property ----

/** What becomes of one delivery of a write, and whether it proves that nothing was proposed. */
const outcomes = {
  done: false,
  reset: false,
  silence: false,
  uncertain: false,
  refusedInResponse: true,
  notLeader: true,
  leaderChanged: true,
  noQuorum: true,
  rateLimited: true,
  stopped: true,
} as const;
type OutcomeName = keyof typeof outcomes;

function act(name: OutcomeName, hint: string | undefined): ReturnType<ReturnType<typeof serves>> {
  const leader = hint === undefined ? {} : { leader: { id: 1, address: hint } };
  switch (name) {
    case 'done':
      return written(1);
    case 'reset':
    case 'silence':
      return name;
    case 'uncertain':
      return new DEngineError('ProposeFailed', 'proposed, not committed');
    case 'refusedInResponse': {
      const metadata = { mayHaveBeenApplied: false };
      return encodeClientResponse({ type: 'error', code: 4001, metadata });
    }
    case 'notLeader':
      return new DEngineError('NotLeader', 'not here', leader);
    case 'leaderChanged':
      return new DEngineError('LeaderChanged', 'no longer here', leader);
    case 'noQuorum':
      return new DEngineError('ClusterUnavailable', 'no quorum', { retryAfterMs: 20 });
    case 'rateLimited':
      return new DEngineError('RateLimited', 'too much', { retryAfterMs: 30 });
    case 'stopped':
      return new DEngineError('Stopped', 'stopping');
  }
}

const step = fc.record({
  outcome: fc.constantFrom(...(Object.keys(outcomes) as OutcomeName[])),
  hint: fc.constantFrom(a, b, c, undefined),
  /** Members that nobody answers at while this step is due. */
  down: fc.subarray([a, b, c], { maxLength: 2 }),
});

const afterwards: { outcome: OutcomeName; hint?: string } = { outcome: 'done' };

describe('for every sequence of failures', () => {
  it('a write is sent again only after all earlier ones were provably refused', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      async (steps) => {
        const run = new ClientFixture();
        const happened: OutcomeName[] = [];
        const place = (): void => {
          const due = steps[happened.length];
          for (const address of [a, b, c]) {
            const gone = due?.down.includes(address) === true;
            const connection = gone ? 'unreachable' : 'open';
            const rest = { connection } as const;
            run.member(
              address,
              () => {
                const { outcome, hint } = steps[happened.length] ?? afterwards;
                happened.push(outcome);
                place();
                return act(outcome, hint);
              },
              rest,
            );
          }
        };
        place();
        const client = run.connect({ connectTimeoutMs: 100 });
        const result = await run.clock.run(
          client.put('k', 'v').catch((error: unknown) => error as DEngineError),
        );
        const earlier = happened.slice(0, -1);
        expect(earlier.filter((name) => !outcomes[name])).toEqual([]);
        const last = happened.at(-1);
        const mayBeApplied = last !== undefined && !outcomes[last];
        if (result instanceof DEngineError) expect(result.mayHaveBeenApplied).toBe(mayBeApplied);
        else expect(last).toBe('done');
        expect(run.clock.pendingTimers).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: scaled({ gate: 400, long: 20_000 }) });
  });
});
