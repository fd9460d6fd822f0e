import { DEngineError } from '@d-engine/base';
import { expect, test } from 'vitest';
import { MemberCondition } from './member-condition.ts';

const withoutLeader = (): boolean => false;
const refused = new DEngineError('MemberRefused', 'another directory');

test('a refusal is lifted only by who gave it', () => {
  const condition = new MemberCondition(withoutLeader);
  condition.refuse(2, refused);
  expect(condition.accept(3)).toBe(false);
  expect(condition.closed).toBe(refused);
  expect(condition.describe(true, false)).toEqual({
    condition: 'refused',
    reason: 'another directory',
  });
  expect(condition.accept(2)).toBe(true);
  expect(condition.closed).toBeUndefined();
  expect(condition.describe(true, false)).toEqual({ condition: 'normal', reason: null });
});

test('one peer that is wrong does not silence a member that has a leader', () => {
  let hasLeader = true;
  const condition = new MemberCondition(() => hasLeader);
  condition.refuse(2, refused);
  expect(condition.closed).toBeUndefined();
  expect(condition.describe(true, false).condition).toBe('normal');
  hasLeader = false;
  expect(condition.closed).toBe(refused);
});

test('an older cluster that names this member silences it whoever leads', () => {
  const condition = new MemberCondition(() => true);
  const older = new DEngineError('WrongCluster', 'the other cluster is the older one');
  condition.yieldTo(older);
  expect(condition.closed).toBe(older);
  expect(condition.describe(true, false).condition).toBe('refused');
});

test('a member that stops serves nobody, whatever else holds', () => {
  const condition = new MemberCondition(withoutLeader);
  condition.stop();
  expect(condition.closed?.name).toBe('Stopped');
  expect(condition.describe(false, false).condition).toBe('forming');
});

test('it recovers until it holds again what it may have forgotten', () => {
  const condition = new MemberCondition(() => true);
  expect(condition.describe(true, true).condition).toBe('recovering');
  expect(condition.describe(true, false).condition).toBe('normal');
});
