import { expect, test } from 'vitest';
import { loadText } from './config/test-support.ts';
import { snapshotSettings } from './snapshot-settings.ts';

function pushTimeoutMs(pushMs: number, callMs: number): number {
  const toml =
    `[raft]\nsnapshot_rpc_timeout_ms = ${callMs}\n` +
    `[raft.snapshot]\npush_timeout_in_ms = ${pushMs}\n`;
  return snapshotSettings(loadText(toml).config).pushTimeoutMs;
}

test('a transfer of a snapshot ends with the shorter one of its two deadlines', () => {
  expect(pushTimeoutMs(60_000, 70_000)).toBe(60_000);
  expect(pushTimeoutMs(60_000, 50_000)).toBe(50_000);
});
