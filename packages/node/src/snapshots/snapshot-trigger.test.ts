import { expect, test } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';
import { SnapshotTrigger } from './snapshot-trigger.ts';

const settings: SnapshotSettings = {
  enabled: true,
  directory: '/s',
  namePrefix: 'snapshot-',
  compress: false,
  entriesMax: 100,
  logBytesMax: 0,
  intervalMs: 0,
  coolDownMs: 1_000,
  retainCount: 1,
  retainedLogEntries: 1,
  chunkBytes: 10,
  bandwidthMbpsMax: 0,
  pushAttemptsMax: 3,
  pushBackoffMs: 10,
  pushBackoffMaxMs: 100,
  alertFailures: 5,
  pushTimeoutMs: 1_000,
  chunkTimeoutMs: 100,
};

function triggerOf(changes: Partial<SnapshotSettings>, chance = 0) {
  const clock = new ManualClock();
  const random = { float: () => chance, bytes: () => new Uint8Array(0) };
  return { clock, trigger: new SnapshotTrigger({ ...settings, ...changes }, clock, random, 10) };
}

test('so many entries after the last snapshot the next one is due', () => {
  const { trigger } = triggerOf({});
  expect(trigger.isDue(109, 0)).toBe(false);
  expect(trigger.isDue(110, 0)).toBe(true);
});

test('chance puts it off by up to a quarter, so that members do not do it at once', () => {
  const { trigger } = triggerOf({}, 0.999);
  expect(trigger.isDue(134, 0)).toBe(false);
  expect(trigger.isDue(135, 0)).toBe(true);
});

test('a long log or a long time asks for one, but never without a new entry', () => {
  const byBytes = triggerOf({ logBytesMax: 5_000 });
  expect(byBytes.trigger.isDue(11, 4_999)).toBe(false);
  expect(byBytes.trigger.isDue(11, 5_000)).toBe(true);
  expect(byBytes.trigger.isDue(10, 5_000)).toBe(false);
  const byTime = triggerOf({ intervalMs: 3_000 });
  byTime.clock.advance(2_999);
  expect(byTime.trigger.isDue(11, 0)).toBe(false);
  byTime.clock.advance(1);
  expect(byTime.trigger.isDue(11, 0)).toBe(true);
  expect(byTime.trigger.isDue(10, 0)).toBe(false);
});

test('after one, and after a failure, nothing is due before the cool-down is over', () => {
  const { trigger, clock } = triggerOf({});
  trigger.taken(110);
  expect(trigger.isDue(900, 0)).toBe(false);
  clock.advance(1_000);
  expect(trigger.isDue(209, 0)).toBe(false);
  expect(trigger.isDue(210, 0)).toBe(true);
  trigger.postpone();
  expect(trigger.isDue(210, 0)).toBe(false);
});

test('who takes none draws no numbers either', () => {
  const clock = new ManualClock();
  const random = {
    float: (): number => {
      throw new Error('a draw');
    },
    bytes: () => new Uint8Array(0),
  };
  const trigger = new SnapshotTrigger({ ...settings, enabled: false }, clock, random, 0);
  trigger.taken(5);
  expect(trigger.isDue(10_000, 0)).toBe(false);
});
