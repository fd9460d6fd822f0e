import type { Entry } from '@d-engine/base';
import { encodeEntries, entryKinds, InvariantViolation, MalformedMessage } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { Bindings } from './bindings.ts';
import type { Bootstrap } from './configuration.ts';
import {
  decodeBinding,
  decodeBootstrap,
  encodeBinding,
  encodeBootstrap,
} from './membership-codec.ts';
import { members } from './testing/fake-cluster.ts';

const bootstrap: Bootstrap = {
  clusterId: 'c'.repeat(32),
  historyId: 'd'.repeat(32),
  formedAtWallMs: 1_700_000_000_000,
  members: members(3, 1).map((member) => ({ ...member, promotable: member.role === 'learner' })),
  bindings: [
    { nodeId: 1, instanceId: 'a' },
    { nodeId: 2, instanceId: 'b' },
  ],
};

function entry(index: number, kind: Entry['kind'], payload: Uint8Array): Entry {
  return encodeEntries([{ kind, payload }], index, 1, 0)[0] as Entry;
}

function bootstrapped(): Bindings {
  const bindings = new Bindings();
  bindings.add(entry(1, entryKinds.bootstrap, encodeBootstrap(bootstrap)));
  return bindings;
}

function binding(index: number, nodeId: number, instanceId: string): Entry {
  return entry(index, entryKinds.binding, encodeBinding({ nodeId, instanceId }));
}

describe('membership codec', () => {
  test('reads back what it wrote', () => {
    expect(decodeBootstrap(encodeBootstrap(bootstrap))).toEqual(bootstrap);
    const bound = { nodeId: 4_294_967_295, instanceId: 'x' };
    expect(decodeBinding(encodeBinding(bound))).toEqual(bound);
  });

  test('refuses what it does not know', () => {
    expect(() => decodeBinding(Uint8Array.of(0x18, 1))).toThrow('field 3 is not known');
    expect(() => decodeBinding(new Uint8Array(0))).toThrow(MalformedMessage);
    expect(() => decodeBootstrap(new Uint8Array(0))).toThrow(MalformedMessage);
  });
});

describe('Bindings (design rule 2)', () => {
  test('those of the bootstrap hold at once, for exactly their instances', () => {
    const bindings = bootstrapped();
    expect(bindings.holds(1, 'a', 0)).toBe(true);
    expect(bindings.holds(1, 'z', 0)).toBe(false);
    expect(bindings.holds(3, 'c', 0)).toBe(false);
    expect(bindings.holds(1, undefined, 0)).toBe(false);
  });

  test('a later one holds once it is committed', () => {
    const bindings = bootstrapped();
    bindings.add(binding(7, 3, 'c'));
    expect(bindings.lastIndex).toBe(7);
    expect(bindings.holds(3, 'c', 6)).toBe(false);
    expect(bindings.holds(3, 'c', 7)).toBe(true);
    expect(bindings.holdingInstance(3, 6)).toBeUndefined();
    expect(bindings.holdingInstance(3, 7)).toBe('c');
  });

  test('truncation takes bindings back, and the bootstrap too', () => {
    const bindings = bootstrapped();
    bindings.add(binding(7, 3, 'c'));
    expect(bindings.truncateFrom(8)).toBe(false);
    expect(bindings.truncateFrom(7)).toBe(true);
    expect(bindings.find(3)).toBeUndefined();
    expect(bindings.bootstrap).toEqual(bootstrap);
    expect(bindings.truncateFrom(1)).toBe(true);
    expect(bindings.bootstrap).toBeUndefined();
    expect(bindings.members).toEqual([]);
  });

  test('one bootstrap, and each member once', () => {
    const bindings = bootstrapped();
    expect(() => bindings.add(binding(2, 1, 'z'))).toThrow(InvariantViolation);
    const again = entry(3, entryKinds.bootstrap, encodeBootstrap(bootstrap));
    expect(() => bindings.add(again)).toThrow(InvariantViolation);
    expect(() => new Bindings().add(binding(1, 1, 'a'))).toThrow(InvariantViolation);
  });
});
