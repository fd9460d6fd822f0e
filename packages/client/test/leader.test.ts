import { DEngineError } from '@d-engine/base';
import { encodeClientResponse, methods } from '@d-engine/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { a, b, ClientFixture, c, failsWith, follows, serves, written } from './client-fixture.ts';

let fixture: ClientFixture;
beforeEach(() => {
  fixture = new ClientFixture();
});

describe('following the leader', () => {
  it('goes where the hint says, at once, and stays there', async () => {
    fixture.member(a, follows(c));
    fixture.member(b, follows(c));
    fixture.member(c, serves(7));
    const client = fixture.connect();
    const startMs = fixture.clock.monotonicMs();
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 7 });
    expect(fixture.network.addresses).toEqual([a, c]);
    expect(fixture.clock.monotonicMs()).toBe(startMs);
    await fixture.clock.run(client.put('k', 'v'));
    await fixture.clock.run(client.get('k', { consistency: 'lease' }));
    await fixture.clock.run(client.get('k', { consistency: 'linearizable' }));
    await fixture.clock.run(client.get('k'));
    expect(fixture.network.addresses.slice(2)).toEqual([c, c, c, c]);
    expect(fixture.counted.get('d_engine_client_redirects_total')).toBe(1);
    expect(fixture.counted.get('d_engine_client_attempts_total')).toBe(6);
    expect(fixture.counted.get('d_engine_client_retries_total')).toBeUndefined();
  });

  it('asks the leader first when the first status names it', async () => {
    fixture.member(a, serves(), { leader: { id: 3, address: c } });
    fixture.member(c, serves());
    const client = fixture.connect();
    await fixture.clock.run(client.get('warm up', { consistency: 'eventual' }));
    await fixture.clock.run(client.put('k', 'v'));
    expect(fixture.network.addresses).toEqual([a, c]);
  });

  it('follows to a leader that is not among the endpoints', async () => {
    const elsewhere = '10.9.9.9:1234';
    fixture.member(a, follows(elsewhere));
    fixture.member(elsewhere, serves());
    const client = fixture.connect({ endpoints: [a] });
    await fixture.clock.run(client.put('k', 'v'));
    await fixture.clock.run(client.put('k', 'v'));
    expect(fixture.network.addresses).toEqual([a, elsewhere, elsewhere]);
  });

  it('takes a hint of 0.0.0.0 for the host that gave it', async () => {
    fixture.member('127.0.0.1:1', follows('0.0.0.0:2'));
    fixture.member('127.0.0.1:2', serves());
    const client = fixture.connect({ endpoints: ['127.0.0.1:1'] });
    await fixture.clock.run(client.put('k', 'v'));
    expect(fixture.network.addresses).toEqual(['127.0.0.1:1', '127.0.0.1:2']);
  });

  it('finds the new leader when it changes between two writes', async () => {
    fixture.member(a, serves(1));
    fixture.member(b, follows(a));
    fixture.member(c, follows(a));
    const client = fixture.connect();
    await fixture.clock.run(client.put('k', 'v'));
    fixture.member(a, follows(b));
    fixture.member(b, serves(2));
    fixture.member(c, follows(b));
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 2 });
    expect(fixture.network.addresses).toEqual([a, a, b]);
  });

  it('takes the leader from the error inside a response too', async () => {
    fixture.member(a, () =>
      encodeClientResponse({
        type: 'error',
        code: 4001,
        metadata: { leaderId: '2', leaderAddress: b, mayHaveBeenApplied: false },
      }),
    );
    fixture.member(b, serves());
    await fixture.clock.run(fixture.connect().put('k', 'v'));
    expect(fixture.network.addresses).toEqual([a, b]);
  });

  it('goes on without the members that answer lease reads with NotLeader', async () => {
    fixture.member(a, follows(b));
    fixture.member(b, serves());
    const client = fixture.connect();
    await fixture.clock.run(client.get('k', { consistency: 'lease' }));
    expect(fixture.network.addresses).toEqual([a, b]);
  });
});

describe('an election', () => {
  it('is waited for with growing, bounded pauses, from member to member', async () => {
    const electedMs = fixture.clock.monotonicMs() + 1_500;
    const elected = (): boolean => fixture.clock.monotonicMs() >= electedMs;
    fixture.member(a, follows());
    fixture.member(b, () => (elected() ? written(5) : new DEngineError('NotLeader', 'not yet')));
    fixture.member(c, () =>
      elected()
        ? new DEngineError('NotLeader', 'ask b', { leader: { id: 2, address: b } })
        : new DEngineError('NotLeader', 'not yet'),
    );
    const client = fixture.connect();
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 5 });
    expect(fixture.clock.monotonicMs() - electedMs).toBeLessThan(600);
    expect(fixture.network.deliveries.length).toBeLessThan(20);
    expect(fixture.network.addresses.slice(0, 4)).toEqual([a, b, c, a]);
  });

  it('that does not end: an error that names the members and what they said', async () => {
    fixture.member(a, follows());
    fixture.member(b, follows());
    fixture.member(c, follows());
    const startMs = fixture.clock.monotonicMs();
    const error = await fixture.failure(fixture.connect().put('k', 'v'));
    expect(error.name).toBe('ClusterUnavailable');
    expect(error.mayHaveBeenApplied).toBe(false);
    expect(error.message).toMatch(
      /^put: no member could serve it within 3000 ms; nothing was written\. Tried 10\.0\.0\.\d/,
    );
    expect(error.message).toMatch(/10\.0\.0\.3:9083 \(\d times\): this member does not lead/);
    expect(fixture.clock.monotonicMs() - startMs).toBeLessThanOrEqual(3_000);
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('with members that send the client in circles makes no storm', async () => {
    fixture.member(a, follows(b));
    fixture.member(b, follows(a));
    fixture.member(c, follows(a));
    const error = await fixture.failure(fixture.connect().put('k', 'v'));
    expect(error.name).toBe('ClusterUnavailable');
    expect(fixture.network.deliveries.length).toBeLessThan(40);
  });

  it('survives hints that are no addresses', async () => {
    fixture.member(a, follows('not an address'));
    fixture.member(b, serves(3));
    const client = fixture.connect({ endpoints: [a, b] });
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 3 });
  });
});

describe('a member that is gone', () => {
  it('refusing connections is passed over at once', async () => {
    fixture.member(b, follows(c));
    fixture.member(c, serves());
    const startMs = fixture.clock.monotonicMs();
    await fixture.clock.run(fixture.connect().put('k', 'v'));
    expect(fixture.network.addresses).toEqual([b, c]);
    expect(fixture.clock.monotonicMs()).toBe(startMs);
  });

  it('swallowing packets costs one connect timeout, not one per operation', async () => {
    fixture.member(a, serves(), { connection: 'unreachable' });
    fixture.member(b, follows(a));
    fixture.member(c, follows(a));
    const client = fixture.connect({ connectTimeoutMs: 800 });
    const startMs = fixture.clock.monotonicMs();
    const first = client.put('k', 'v');
    await fixture.clock.advance(1_200);
    fixture.member(b, serves(8));
    fixture.member(c, follows(b));
    expect(await fixture.clock.run(first)).toEqual({ revision: 8 });
    expect(fixture.clock.monotonicMs() - startMs).toBeLessThan(2_000);
    await fixture.clock.run(client.put('k', 'v'));
    expect(fixture.clock.monotonicMs() - startMs).toBeLessThan(2_000);
  });

  it('and came back is found again: a reset leader is asked within a moment', async () => {
    let resets = 1;
    fixture.member(a, ({ method }) => {
      if (method === methods.clientRead && resets-- > 0) return 'reset';
      return serves(4)({ address: a, method, request: new Uint8Array(), deadlineMs: 1 });
    });
    fixture.member(b, follows(a));
    fixture.member(c, follows(a));
    const client = fixture.connect();
    const startMs = fixture.clock.monotonicMs();
    await fixture.clock.run(client.get('k', { consistency: 'lease' }));
    expect(fixture.clock.monotonicMs() - startMs).toBeLessThan(500);
  });

  it('or stops, or was refused by its cluster: another one is asked', async () => {
    fixture.member(a, failsWith('Stopped', 'the node is stopping'));
    fixture.member(b, failsWith('MemberRefused', 'another directory'));
    fixture.member(c, serves(5));
    const client = fixture.connect();
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 5 });
    expect(fixture.network.addresses).toEqual([a, b, c]);
  });
});

describe('eventual reads', () => {
  it('go round all endpoints, whoever leads', async () => {
    for (const address of [a, b, c]) fixture.member(address, serves());
    const client = fixture.connect();
    await fixture.clock.run(client.put('k', 'v'));
    fixture.network.deliveries.length = 0;
    for (let read = 0; read < 6; read++) {
      await fixture.clock.run(client.get('k', { consistency: 'eventual' }));
    }
    expect(fixture.network.addresses).toEqual([b, c, a, b, c, a]);
  });

  it('leave out a dead one', async () => {
    fixture.member(a, serves());
    fixture.member(c, serves());
    const client = fixture.connect();
    for (let read = 0; read < 6; read++) {
      await fixture.clock.run(client.get('k', { consistency: 'eventual' }));
    }
    expect(new Set(fixture.network.addresses)).toEqual(new Set([a, c]));
  });
});

describe('back-pressure', () => {
  it('waits as long as the member asks, and asks the same one again', async () => {
    let refusals = 2;
    fixture.member(a, () =>
      refusals-- > 0
        ? new DEngineError('RateLimited', 'too much', { retryAfterMs: 300 })
        : written(6),
    );
    const client = fixture.connect({ endpoints: [a] });
    const startMs = fixture.clock.monotonicMs();
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 6 });
    expect(fixture.clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(600);
  });

  it('is told to the caller when the time is too short to wait', async () => {
    const retryAfterMs = 5_000;
    fixture.member(a, failsWith('RateLimited', 'too much', { retryAfterMs }));
    const error = await fixture.failure(fixture.connect({ endpoints: [a] }).put('k', 'v'));
    expect(error).toMatchObject({ name: 'RateLimited', retryAfterMs, mayHaveBeenApplied: false });
    expect(fixture.network.deliveries).toHaveLength(1);
  });
});
