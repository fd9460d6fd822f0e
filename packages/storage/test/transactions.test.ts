import type { Comparison, Transaction, TransactionOperation } from '@d-engine/base';
import { limits } from '@d-engine/base';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytes, Machine, put } from './machine-kit.ts';

let machine: Machine;
beforeEach(() => {
  machine = new Machine();
});

type Step = TransactionOperation<Uint8Array>;

function txn(parts: Partial<Transaction<Uint8Array>>) {
  return machine.run({ type: 'transaction', compare: [], success: [], failure: [], ...parts });
}

const set = (key: string, value: string): Step => {
  return { type: 'put', key: bytes(key), value: bytes(value) };
};
const get = (key: string): Step => ({ type: 'get', key: bytes(key) });
const drop = (key: string): Step => ({ type: 'delete', key: bytes(key) });

describe('transaction', () => {
  it('does one list or the other, under one revision, each key once', () => {
    machine.run(put('a', '1'));
    machine.takeEvents();
    const compare: Comparison<Uint8Array>[] = [
      { target: 'value', key: bytes('a'), operator: 'equal', value: bytes('1') },
      { target: 'existence', key: bytes('b'), exists: false },
    ];
    const success = [set('b', '2'), drop('a'), drop('c'), get('b'), get('a')];
    expect(txn({ compare, success, failure: [set('f', '')] })).toMatchObject({
      type: 'transaction',
      succeeded: true,
      revision: 2,
      responses: [
        { type: 'put' },
        { type: 'delete', deleted: true },
        { type: 'delete', deleted: false },
        { type: 'get', entry: { value: bytes('2'), createRevision: 2, version: 1 } },
        { type: 'get', entry: null },
      ],
    });
    expect(machine.takeEvents()).toEqual(['put b@2', 'delete a@2']);
    expect(txn({ compare, success, failure: [set('f', '')] })).toMatchObject({ succeeded: false });
    expect(machine.keys()).toEqual(['b', 'f']);
  });

  it('compares values, revisions, versions and existence', () => {
    machine.run(put('a', 'm'));
    machine.run(put('a', 'm'));
    const key = bytes('a');
    const none = bytes('none');
    const value = (operator: 'equal' | 'notEqual' | 'less' | 'greater', text: string) => {
      return { target: 'value', key, operator, value: bytes(text) } as const;
    };
    const holding: Comparison<Uint8Array>[] = [
      value('equal', 'm'),
      value('notEqual', 'n'),
      value('less', 'ma'),
      value('greater', 'l'),
      { target: 'createRevision', key, operator: 'equal', value: 1 },
      { target: 'modRevision', key, operator: 'greater', value: 1 },
      { target: 'version', key, operator: 'less', value: 3 },
      { target: 'version', key, operator: 'notEqual', value: 1 },
      { target: 'version', key: none, operator: 'equal', value: 0 },
      { target: 'modRevision', key: none, operator: 'less', value: 1 },
      { target: 'existence', key, exists: true },
      { target: 'existence', key: none, exists: false },
    ];
    const failing: Comparison<Uint8Array>[] = [
      value('equal', 'n'),
      value('notEqual', 'm'),
      value('less', 'm'),
      value('greater', 'm'),
      { target: 'value', key: none, operator: 'equal', value: bytes('') },
      { target: 'value', key: none, operator: 'notEqual', value: bytes('') },
      { target: 'createRevision', key, operator: 'greater', value: 1 },
      { target: 'version', key, operator: 'equal', value: 1 },
      { target: 'existence', key, exists: false },
      { target: 'existence', key: none, exists: true },
    ];
    for (const each of holding) expect(txn({ compare: [each] })).toMatchObject({ succeeded: true });
    for (const each of failing) {
      expect(txn({ compare: [each] })).toMatchObject({ succeeded: false });
      expect(txn({ compare: [...holding, each] })).toMatchObject({ succeeded: false });
    }
  });

  it('does nothing at all when one of its steps cannot be done', () => {
    machine.run(put('large', 'x'.repeat(600_000)));
    const lease = 77;
    const impossible: Step[][] = [
      [set('a', '1'), set('a', '2')],
      [set('a', '1'), drop('a')],
      [set('a', '1'), { ...set('b', '2'), type: 'put', key: bytes('b'), value: bytes(''), lease }],
      [set('a', '1'), get('large'), get('large')],
      [
        set('a', '1'),
        { type: 'put', key: bytes('b'), value: bytes(''), ttlMs: limits.ttlMsMax + 1 },
      ],
    ];
    for (const success of impossible) {
      expect(txn({ success })).toMatchObject({ type: 'refused' });
      expect(machine.keys()).toEqual(['large']);
    }
  });

  it('gives keys TTLs and leases like any put, and no lease too many keys', () => {
    const granted = machine.run({ type: 'grantLease', ttlMs: 1_000 });
    const lease = granted.revision;
    const leased = (key: string): Step => ({ ...set(key, ''), type: 'put', lease }) as Step;
    const brief = { ...set('t', ''), ttlMs: 500 } as Step;
    expect(txn({ success: [leased('l'), brief] })).toMatchObject({ succeeded: true });
    machine.pass(500);
    expect(machine.keys()).toEqual(['l']);
    for (let at = 1; at < limits.leaseKeysMax - 1; at++) {
      machine.run(put(`k${at}`, '', { lease }));
    }
    expect(txn({ success: [leased('x'), leased('y')] })).toMatchObject({ type: 'refused' });
    expect(txn({ success: [leased('x')] })).toMatchObject({ succeeded: true });
  });
});
