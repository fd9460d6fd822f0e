import { limits } from '@d-engine/base';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytes, Machine, put, remove, swap } from './machine-kit.ts';

let machine: Machine;
beforeEach(() => {
  machine = new Machine();
});

function grant(ttlMs: number): number {
  const result = machine.run({ type: 'grantLease', ttlMs });
  if (result.type !== 'grantLease') throw new Error(result.type);
  return result.lease;
}

describe('TTL', () => {
  it('ends with the first time entry of its time, never before, and says so in an event', () => {
    machine.run(put('k', 'v', { ttlMs: 1_000 }));
    machine.takeEvents();
    machine.pass(999);
    expect(machine.textOf('k')).toBe('v');
    machine.pass(1);
    expect(machine.textOf('k')).toBeNull();
    expect(machine.takeEvents()).toEqual(['delete k@3']);
    expect(machine.state).toMatchObject({ keyCount: 0, stateBytes: 0, expiringKeyCount: 0 });
    expect(machine.state.nextExpiryMs).toBeUndefined();
  });

  it('lets the key be until its expiry is in the log, whatever time a command brings', () => {
    machine.run(put('k', 'v', { ttlMs: 1_000 }));
    machine.nowMs = 5_000;
    expect(machine.run(swap('k', null, 'x'))).toMatchObject({ succeeded: false });
    expect(machine.textOf('k')).toBe('v');
    machine.pass(0);
    expect(machine.run(swap('k', null, 'x'))).toMatchObject({ succeeded: true });
  });

  it('is cleared by a plain put and by a swap, and replaced by another TTL', () => {
    for (const command of [put('k', 'w'), swap('k', 'v', 'w')]) {
      machine.run(put('k', 'v', { ttlMs: 100 }));
      machine.run(command);
      expect(machine.state.expiringKeyCount).toBe(0);
      machine.pass(10_000);
      expect(machine.textOf('k')).toBe('w');
    }
    machine.run(put('k', 'v', { ttlMs: 100 }));
    machine.run(put('k', 'w', { ttlMs: 5_000 }));
    machine.pass(4_999);
    expect(machine.textOf('k')).toBe('w');
    machine.pass(1);
    expect(machine.textOf('k')).toBeNull();
  });

  it('goes with a deleted key, and a new key of the name has none', () => {
    machine.run(put('k', 'v', { ttlMs: 100 }));
    machine.run(remove('k'));
    machine.run(put('k', 'w'));
    machine.pass(1_000);
    expect(machine.textOf('k')).toBe('w');
  });

  it('tells what is left by the time of the entries', () => {
    machine.run(put('k', 'v', { ttlMs: 1_000 }));
    machine.pass(400);
    expect(machine.state.get([bytes('k')])[0]).toMatchObject({ ttlLeftMs: 600 });
    expect(machine.state.nextExpiryMs).toBe(1_000);
  });

  it('over the limit is a result, and nothing is written', () => {
    const ttlMs = limits.ttlMsMax + 1;
    for (const command of [put('k', 'v', { ttlMs }), swap('k', null, 'v', { ttlMs })]) {
      expect(machine.run(command)).toMatchObject({ type: 'refused', error: 'InvalidRequest' });
    }
    expect(machine.textOf('k')).toBeNull();
  });

  it('removes keys of one moment in their order, a bounded number in each entry', () => {
    const count = limits.expiriesPerEntryMax + 10;
    for (let at = count - 1; at >= 0; at--) {
      machine.run(put(String(at).padStart(6, '0'), '', { ttlMs: 100 }));
    }
    machine.takeEvents();
    machine.pass(100);
    expect(machine.state.keyCount).toBe(10);
    expect(machine.takeEvents()[0]).toMatch(/^delete 000000@/);
    machine.pass(0);
    expect(machine.state.keyCount).toBe(0);
    expect(machine.takeEvents().at(-1)).toMatch(new RegExp(`^delete 0${count - 1}@`));
  });
});

describe('lease', () => {
  it('takes all its keys with it, in their order, when it is over', () => {
    const lease = grant(1_000);
    machine.run(put('b', '1', { lease }));
    machine.run(put('a', '1', { lease }));
    machine.takeEvents();
    machine.pass(999);
    expect(machine.keys()).toEqual(['a', 'b']);
    machine.pass(1);
    expect(machine.keys()).toEqual([]);
    expect(machine.takeEvents()).toEqual(['delete a@5', 'delete b@5']);
    expect(machine.state).toMatchObject({ leaseCount: 0, stateBytes: 0 });
  });

  it('lives from each renewal on', () => {
    const lease = grant(1_000);
    machine.run(put('k', 'v', { lease }));
    machine.pass(900);
    expect(machine.run({ type: 'keepLeaseAlive', lease })).toMatchObject({ ttlMs: 1_000 });
    machine.pass(999);
    expect(machine.state.lease(lease)).toMatchObject({ ttlMs: 1_000, leftMs: 1 });
    machine.pass(1);
    expect(machine.textOf('k')).toBeNull();
    expect(machine.state.lease(lease)).toBeNull();
    const renewed = machine.run({ type: 'keepLeaseAlive', lease });
    expect(renewed).toMatchObject({ type: 'refused', error: 'LeaseNotFound' });
  });

  it('ends at once when it is revoked, with the keys that hang on it then', () => {
    const lease = grant(1_000);
    const other = grant(1_000);
    for (const key of ['a', 'b', 'c', 'd']) machine.run(put(key, '1', { lease }));
    machine.run(put('b', '2', { lease: other }));
    machine.run(put('c', '2'));
    machine.run(remove('d'));
    expect(machine.state.lease(lease)?.keys).toEqual([bytes('a')]);
    expect(machine.run({ type: 'revokeLease', lease })).toMatchObject({ deletedKeys: 1 });
    expect(machine.keys()).toEqual(['b', 'c']);
    expect(machine.run({ type: 'revokeLease', lease })).toMatchObject({ error: 'LeaseNotFound' });
  });

  it('that is not there refuses the keys that should hang on it', () => {
    const lease = grant(1_000);
    machine.run({ type: 'revokeLease', lease });
    for (const command of [put('k', 'v', { lease }), swap('k', null, 'v', { lease })]) {
      expect(machine.run(command)).toMatchObject({ type: 'refused', error: 'LeaseNotFound' });
    }
    expect(machine.keys()).toEqual([]);
  });

  it('holds a bounded number of keys', () => {
    const lease = grant(1_000);
    for (let at = 0; at < limits.leaseKeysMax; at++) {
      machine.run(put(`k${at}`, '', { lease }));
    }
    expect(machine.run(put('one more', '', { lease }))).toMatchObject({ error: 'InvalidRequest' });
  });

  it('has a TTL within bounds', () => {
    for (const ttlMs of [0, limits.leaseTtlMsMin - 1, limits.ttlMsMax + 1]) {
      const result = machine.run({ type: 'grantLease', ttlMs });
      expect(result).toMatchObject({ type: 'refused', error: 'InvalidRequest' });
    }
  });

  it('and a TTL on one key: the earlier one counts', () => {
    const lease = grant(1_000);
    machine.run(put('a', 'v', { lease, ttlMs: 500 }));
    machine.run(put('b', 'v', { lease, ttlMs: 5_000 }));
    machine.pass(500);
    expect(machine.keys()).toEqual(['b']);
    machine.pass(500);
    expect(machine.keys()).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('brings TTLs, leases and sessions over, which then end at the same time', async () => {
    const lease = grant(1_000);
    machine.run(put('leased', 'v', { lease }));
    machine.run(put('short', 'v', { ttlMs: 700 }));
    machine.run({ type: 'openSession', ttlMs: 800, name: 'n' });
    machine.pass(100);
    const hash = machine.state.stateHash();
    const { stateBytes } = machine.state;
    await machine.reload();
    machine.takeEvents();
    expect(machine.state.stateHash()).toBe(hash);
    expect(machine.state).toMatchObject({ stateBytes, sessionCount: 1, nextExpiryMs: 700 });
    machine.pass(600);
    expect(machine.keys()).toEqual(['leased']);
    expect(machine.takeEvents()).toEqual(['delete short@6']);
    machine.pass(100);
    expect(machine.state.sessionCount).toBe(0);
    machine.pass(200);
    expect(machine.keys()).toEqual([]);
  });

  it('shows the moment it was taken, whatever is renewed, ended or written meanwhile', async () => {
    const lease = grant(1_000);
    machine.run(put('k', 'v', { lease, ttlMs: 900 }));
    machine.run({ type: 'openSession', ttlMs: 800, name: '' });
    const view = machine.state.view();
    const { appliedIndex } = machine.state;
    const hash = machine.state.stateHash();
    machine.nowMs += 10;
    machine.run({ type: 'keepLeaseAlive', lease });
    machine.run(put('k', 'w'));
    machine.pass(10_000);
    const other = new Machine();
    const header = { clusterId: 'c'.repeat(32), formedAtWallMs: 0, index: appliedIndex, term: 1 };
    await other.state.load(header, view.sections());
    view.release();
    expect(other.state.stateHash()).toBe(hash);
    expect(other.state.lease(lease)).toMatchObject({ leftMs: 1_000, keys: [bytes('k')] });
  });
});
