import { beforeEach, describe, expect, it } from 'vitest';
import { a, b, ClientFixture, c, follows, serves } from './client-fixture.ts';

let fixture: ClientFixture;
beforeEach(() => {
  fixture = new ClientFixture();
});

describe('the deadline', () => {
  it("is 3 s, or the client's, or the operation's own", async () => {
    fixture.member(a, () => 'silence');
    const took = async (client: ReturnType<typeof fixture.connect>, deadlineMs?: number) => {
      const startMs = fixture.clock.monotonicMs();
      await fixture.failure(client.put('k', 'v', { deadlineMs }));
      return fixture.clock.monotonicMs() - startMs;
    };
    const client = fixture.connect({ endpoints: [a] });
    expect(await took(client)).toBe(3_000);
    expect(await took(client, 70)).toBe(70);
    expect(await took(fixture.connect({ endpoints: [a], deadlineMs: 500 }))).toBe(500);
  });

  it('is handed on to the member, as what is left of it', async () => {
    fixture.member(a, follows());
    fixture.member(b, follows());
    fixture.member(c, serves());
    await fixture.clock.run(fixture.connect().put('k', 'v', { deadlineMs: 400 }));
    const left = fixture.network.deliveries.map(({ deadlineMs }) => deadlineMs);
    expect(left[0]).toBe(400);
    expect(left[2]).toBeLessThan(400);
    expect(left.every(Number.isInteger)).toBe(true);
  });
});

describe('the signal', () => {
  it('aborted before: nothing is sent', async () => {
    fixture.member(a, serves());
    const signal = AbortSignal.abort(new Error('changed my mind'));
    const error = await fixture.failure(fixture.connect().put('k', 'v', { signal }));
    expect(error.mayHaveBeenApplied).toBe(false);
    expect(error.message).toMatch(/aborted by the caller/);
    expect(error.cause).toBe(signal.reason);
    expect(fixture.network.statusCalls).toBe(0);
  });

  it('aborted while a write is out: it may have been applied', async () => {
    fixture.member(a, () => 'silence');
    const controller = new AbortController();
    const writing = fixture.connect().put('k', 'v', { signal: controller.signal });
    await fixture.clock.settle();
    controller.abort();
    const error = await fixture.failure(writing);
    expect(error.mayHaveBeenApplied).toBe(true);
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('aborted while a read is out, or during a pause: nothing was changed', async () => {
    for (const handle of [() => 'silence' as const, follows()]) {
      fixture.member(a, handle);
      const controller = new AbortController();
      const { signal } = controller;
      const client = fixture.connect({ endpoints: [a] });
      const reading = client.get('k', { consistency: 'lease', signal });
      const startMs = fixture.clock.monotonicMs();
      await fixture.clock.settle();
      controller.abort();
      const error = await fixture.failure(reading);
      expect(error).toMatchObject({ name: 'DeadlineExceeded', mayHaveBeenApplied: false });
      expect(fixture.clock.monotonicMs()).toBe(startMs);
      expect(fixture.clock.pendingTimers).toBe(0);
    }
  });
});

describe('close', () => {
  it('ends what is under way, and refuses what comes later', async () => {
    fixture.member(a, () => 'silence');
    fixture.member(b, follows());
    const client = fixture.connect({ endpoints: [a] });
    const other = fixture.connect({ endpoints: [b] });
    const failures = Promise.all(
      [client.put('k', 'v'), client.get('k'), other.put('k', 'v')].map((operation) =>
        fixture.failure(operation),
      ),
    );
    await fixture.clock.settle();
    client.close();
    other.close();
    client.close();
    expect(await failures).toMatchObject([
      { name: 'ConnectionTimeout', mayHaveBeenApplied: true },
      { name: 'Stopped', mayHaveBeenApplied: false },
      { name: 'Stopped', mayHaveBeenApplied: false },
    ]);
    expect((await fixture.failure(client.put('k', 'v'))).name).toBe('Stopped');
    expect(fixture.clock.pendingTimers).toBe(0);
  });
});
