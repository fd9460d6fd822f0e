import { limits } from '@d-engine/base';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytes, Machine, put, remove, swap } from './machine-kit.ts';

let machine: Machine;
let session: number;
beforeEach(() => {
  machine = new Machine();
  session = open('');
});

function open(name: string, ttlMs = 10_000): number {
  const result = machine.run({ type: 'openSession', ttlMs, name });
  if (result.type !== 'openSession') throw new Error(result.type);
  return result.session;
}

const stamp = (sequence: number, lowestUnacknowledged = 1) => {
  return { session, sequence, lowestUnacknowledged };
};

describe('session', () => {
  it('has the revision of its opening as id', () => {
    expect(session).toBe(1);
    expect(open('')).toBe(2);
  });

  it('applies a write once, however often it comes, and answers the same each time', () => {
    const first = machine.run(swap('k', null, '1'), stamp(1));
    expect(first).toMatchObject({ succeeded: true, revision: 2 });
    machine.run(put('k', '2'), stamp(2));
    machine.run(remove('k'));
    expect(machine.run(swap('k', null, '1'), stamp(1))).toEqual(first);
    expect(machine.run(put('k', '2'), stamp(2))).toMatchObject({ type: 'put', revision: 3 });
    expect(machine.textOf('k')).toBeNull();
  });

  it('keeps its results in a snapshot', async () => {
    machine.run(put('other', 'x'));
    const failed = machine.run(swap('other', 'y', 'z'), stamp(1));
    expect(failed).toMatchObject({ succeeded: false, current: bytes('x') });
    await machine.reload();
    machine.run(put('other', 'y'));
    const again = machine.run(swap('other', 'y', 'z'), stamp(1));
    expect(again).toEqual({ ...failed, current: Uint8Array.from(bytes('x')) });
  });

  it('that is over refuses, and is not made anew', () => {
    machine.run(put('k', '1'), stamp(1));
    machine.pass(10_000);
    for (let round = 0; round < 2; round++) {
      expect(machine.run(put('k', '2'), stamp(2))).toMatchObject({
        type: 'refused',
        error: 'SessionExpired',
      });
    }
    expect(machine.textOf('k')).toBe('1');
    expect(machine.run({ type: 'keepSessionAlive', session })).toMatchObject({
      error: 'SessionExpired',
    });
  });

  it('lives on with each write and renewal, and ends when it is closed', () => {
    machine.pass(9_000);
    machine.run(put('k', '1'), stamp(1));
    machine.pass(9_000);
    expect(machine.run({ type: 'keepSessionAlive', session })).toMatchObject({ ttlMs: 10_000 });
    machine.pass(9_999);
    expect(machine.state.sessionCount).toBe(1);
    expect(machine.run({ type: 'closeSession', session })).toMatchObject({ type: 'closeSession' });
    expect(machine.state.sessionCount).toBe(0);
    expect(machine.run(put('k', '2'), stamp(2))).toMatchObject({ error: 'SessionExpired' });
  });

  it('of a name is one, until it is over', () => {
    const named = open('order-7');
    expect(open('order-7')).toBe(named);
    expect(machine.state.sessionCount).toBe(2);
    machine.pass(10_000);
    expect(open('order-7')).toBeGreaterThan(named);
  });

  it('carries nothing that concerns sessions: one cannot end itself on the way', () => {
    for (const command of [
      { type: 'closeSession', session } as const,
      { type: 'openSession', ttlMs: 5, name: '' } as const,
    ]) {
      const stamped = stamp(command.type === 'closeSession' ? 1 : 2);
      expect(machine.run(command, stamped)).toMatchObject({ error: 'InvalidRequest' });
    }
    expect(machine.state.sessionCount).toBe(1);
  });

  it('has a TTL and a name within bounds', () => {
    const impossible = [
      { ttlMs: 0, name: '' },
      { ttlMs: limits.sessionTtlMsMax + 1, name: '' },
      { ttlMs: 5, name: 'x'.repeat(limits.sessionNameBytesMax + 1) },
    ];
    for (const each of impossible) {
      const result = machine.run({ type: 'openSession', ...each });
      expect(result).toMatchObject({ type: 'refused', error: 'InvalidRequest' });
    }
  });

  it('applies many writes once each, in any order, with repeats and over snapshots', async () => {
    const attempt = fc.record({ sequence: fc.integer({ min: 1, max: 8 }), reload: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { maxLength: 30 }), async (attempts) => {
        machine = new Machine();
        session = open('');
        const results = new Map<number, unknown>();
        for (const { sequence, reload } of attempts) {
          const result = machine.run(put(`k${sequence}`, ''), stamp(sequence));
          const first = results.get(sequence) ?? result;
          expect(result).toEqual(first);
          results.set(sequence, first);
          if (reload) await machine.reload();
        }
        for (const sequence of results.keys()) {
          expect(machine.state.get([bytes(`k${sequence}`)])[0]).toMatchObject({ version: 1 });
        }
      }),
    );
  });
});
