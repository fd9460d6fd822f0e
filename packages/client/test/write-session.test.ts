import { DEngineError, decodeWriteCommand } from '@d-engine/base';
import { decodeClientWriteRequest, encodeClientResponse, methods } from '@d-engine/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../src/index.ts';
import { a, b, ClientFixture, failsWith, written } from './client-fixture.ts';

let fixture: ClientFixture;
let client: Client;
beforeEach(() => {
  fixture = new ClientFixture();
  client = fixture.connect({ exactlyOnce: true });
});

const opened = encodeClientResponse({ type: 'write', succeeded: true, revision: 5, id: 5 });

/** Opens sessions; what it does with other writes is the test's. */
function opens(address: string, others: (request: Uint8Array) => unknown): void {
  fixture.member(address, (call) => {
    const { command } = decodeClientWriteRequest(call.request);
    const { type } = decodeWriteCommand(command);
    return (type === 'openSession' ? opened : others(call.request)) as Uint8Array;
  });
}

/** Stamps of the writes that were sent, openings left out. */
function stamps(): (readonly number[])[] {
  const writes = fixture.network.deliveries.filter(({ method }) => method === methods.clientWrite);
  return writes.flatMap(({ request }) => {
    const { session } = decodeClientWriteRequest(request);
    if (session === undefined) return [];
    return [[session.session, session.sequence, session.lowestUnacknowledged]];
  });
}

const run = <T>(promise: Promise<T>): Promise<T> => fixture.clock.run(promise);

describe('a client with a session', () => {
  it('opens one with its first write, and counts its writes on', async () => {
    opens(a, () => written(6));
    await run(client.put('k', 'v'));
    await run(client.delete('k').catch(() => undefined));
    expect(stamps()).toEqual([
      [5, 1, 1],
      [5, 2, 2],
    ]);
  });

  it('sends a write whose answer was lost again, under the same place', async () => {
    opens(a, () => 'reset');
    opens(b, () => written(6));
    expect(await run(client.put('k', 'v'))).toEqual({ revision: 6 });
    expect(stamps()).toEqual([
      [5, 1, 1],
      [5, 1, 1],
    ]);
  });

  it('keeps what is under way unacknowledged', async () => {
    opens(a, () => written(6));
    await run(Promise.all([client.put('a', ''), client.put('b', ''), client.put('c', '')]));
    const all = stamps();
    expect(all.length).toBeGreaterThanOrEqual(3);
    for (const [, sequence = 0, lowest = 0] of all) expect(lowest).toBeLessThanOrEqual(sequence);
  });

  it('says that a write may be applied when no answer came at all', async () => {
    opens(a, () => 'reset');
    fixture.member(b, failsWith('ClusterUnavailable', 'no quorum'));
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error.mayHaveBeenApplied).toBe(true);
  });

  it('tells that its session is over, and opens another one for the next write', async () => {
    let isOver = true;
    opens(a, () => {
      if (!isOver) return written(9);
      isOver = false;
      return new DEngineError('SessionExpired', 'over');
    });
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error).toMatchObject({ name: 'SessionExpired', mayHaveBeenApplied: true });
    expect(await run(client.put('k', 'v'))).toEqual({ revision: 9 });
  });

  it('writes nothing when no session can be opened', async () => {
    fixture.member(a, () => 'reset');
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error.mayHaveBeenApplied).toBe(false);
    expect(stamps()).toEqual([]);
  });
});

describe('an idempotency key', () => {
  it('names the session that the write rides on, first and only', async () => {
    opens(a, () => written(6));
    const plain = fixture.connect();
    await run(plain.put('k', 'v', { idempotencyKey: 'order-7' }));
    const [opening] = fixture.network.deliveries.filter(
      ({ method }) => method === methods.clientWrite,
    );
    const { command } = decodeClientWriteRequest(opening?.request ?? new Uint8Array());
    expect(decodeWriteCommand(command)).toMatchObject({ name: 'idempotency:order-7' });
    expect(stamps()).toEqual([[5, 1, 1]]);
  });
});
