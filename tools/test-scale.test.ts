import { expect, it } from 'vitest';
import { readTestScale, scaled, testScale } from './test-scale.ts';

it('runs at the size of the gate unless told otherwise', () => {
  expect(readTestScale(undefined)).toBe('gate');
  expect(readTestScale('')).toBe('gate');
  expect(readTestScale('gate')).toBe('gate');
  expect(readTestScale('long')).toBe('long');
});

it('refuses a size it does not know', () => {
  expect(() => readTestScale('huge')).toThrow("D_ENGINE_TEST_SCALE is 'huge': use gate or long");
});

it('picks the choice of the size', () => {
  expect(scaled({ gate: 'gate', long: 'long' })).toBe(testScale);
});
