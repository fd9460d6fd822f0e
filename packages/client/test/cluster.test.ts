import { beforeEach, describe, expect, it } from 'vitest';
import { a, b, ClientFixture, follows, serves } from './client-fixture.ts';
import { ourCluster } from './member-status.ts';

const other = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb';

let fixture: ClientFixture;
beforeEach(() => {
  fixture = new ClientFixture();
});

describe('an address of another cluster', () => {
  it('gets no request, and the others serve on', async () => {
    fixture.member(a, serves(1));
    fixture.member(b, serves(2), { clusterId: other });
    const client = fixture.connect({ endpoints: [a, b] });
    for (let read = 0; read < 4; read++) {
      await fixture.clock.run(client.get('k', { consistency: 'eventual' }));
    }
    expect(new Set(fixture.network.addresses)).toEqual(new Set([a]));
  });

  it('reached by a hint gets no write', async () => {
    fixture.member(a, follows(b));
    fixture.member(b, serves(2), { clusterId: other });
    const client = fixture.connect({ endpoints: [a] });
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error.mayHaveBeenApplied).toBe(false);
    expect(error.message).toContain(`belongs to cluster ${other}`);
    expect(fixture.network.addresses).not.toContain(b);
  });

  it('when there is no other address: WrongCluster at once', async () => {
    fixture.member(a, serves(), { clusterId: other });
    const client = fixture.connect({ endpoints: [a], clusterId: ourCluster });
    const startMs = fixture.clock.monotonicMs();
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error.name).toBe('WrongCluster');
    expect(error.message).toContain(ourCluster);
    expect(fixture.clock.monotonicMs()).toBe(startMs);
    expect(fixture.network.deliveries).toEqual([]);
  });

  it('is noticed when another cluster takes over an address after a lost connection', async () => {
    let handed = 0;
    fixture.member(a, (delivery) => (handed++ === 1 ? 'reset' : serves()(delivery)));
    const client = fixture.connect({ endpoints: [a] });
    await fixture.clock.run(client.put('k', 'v'));
    await fixture.failure(client.put('k', 'v'));
    fixture.member(a, serves(), { clusterId: other });
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error.name).toBe('WrongCluster');
    expect(fixture.network.deliveries).toHaveLength(2);
  });

  it('is noticed after a connection that was lost while nobody used it', async () => {
    fixture.member(a, serves());
    const client = fixture.connect({ endpoints: [a] });
    await fixture.clock.run(client.put('k', 'v'));
    fixture.member(a, serves(), { clusterId: other });
    fixture.network.loseIdleConnection(a);
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error.name).toBe('WrongCluster');
    expect(fixture.network.deliveries).toHaveLength(1);
  });

  it('is noticed by status()', async () => {
    fixture.member(a, serves());
    const client = fixture.connect({ endpoints: [a] });
    expect((await fixture.clock.run(client.status())).clusterId).toBe(ourCluster);
    fixture.member(a, serves(), { clusterId: other });
    expect((await fixture.failure(client.status())).name).toBe('WrongCluster');
  });
});

describe('the question for the cluster', () => {
  it('is asked once for each address, however many operations begin at once', async () => {
    fixture.member(a, serves());
    const client = fixture.connect({ endpoints: [a] });
    const many = Array.from({ length: 50 }, (_, index) => client.put(`k${index}`, 'v'));
    await fixture.clock.run(Promise.all(many));
    expect(fixture.network.statusCalls).toBe(1);
    expect(fixture.network.deliveries).toHaveLength(50);
  });

  it('is asked again while a cluster forms', async () => {
    fixture.member(a, serves(), { clusterId: null });
    const client = fixture.connect({ endpoints: [a] });
    await fixture.clock.run(client.get('k'));
    fixture.member(a, serves());
    await fixture.clock.run(client.get('k'));
    await fixture.clock.run(client.get('k'));
    expect(fixture.network.statusCalls).toBe(2);
  });

  it('is dropped for members of the original, which do not know it', async () => {
    fixture.member(a, serves(3), { withoutStatus: true });
    const client = fixture.connect({ endpoints: [a] });
    expect(await fixture.clock.run(client.put('k', 'v'))).toEqual({ revision: 3 });
  });

  it('does not outlast the deadline of the operation', async () => {
    fixture.member(a, serves(), { connection: 'unreachable' });
    const client = fixture.connect({ endpoints: [a], connectTimeoutMs: 60_000 });
    const startMs = fixture.clock.monotonicMs();
    const error = await fixture.failure(client.put('k', 'v', { deadlineMs: 200 }));
    expect(error.mayHaveBeenApplied).toBe(false);
    expect(fixture.clock.monotonicMs() - startMs).toBe(200);
  });
});
