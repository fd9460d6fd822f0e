import { DEngineError } from '@d-engine/base';
import { expect, test } from 'vitest';
import { MemberCondition } from './member-condition.ts';

const refused = new DEngineError('MemberRefused', 'another directory');

test('a refusal is lifted only by who gave it', () => {
  const condition = new MemberCondition();
  condition.refuse('peer 2', refused);
  expect(condition.accept('peer 3')).toBe(false);
  expect(condition.closed).toBe(refused);
  expect(condition.describe(true)).toEqual({ condition: 'refused', reason: 'another directory' });
  expect(condition.accept('peer 2')).toBe(true);
  expect(condition.closed).toBeUndefined();
  expect(condition.describe(true)).toEqual({ condition: 'normal', reason: null });
});

test('a member that stops serves nobody, whatever else holds', () => {
  const condition = new MemberCondition();
  condition.stop();
  expect(condition.closed?.name).toBe('Stopped');
  expect(condition.describe(false).condition).toBe('forming');
});
