import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { repositoryRoot } from './support/cluster-kit.ts';

/** A backend of each kind that is not ours, as short as one can be, and one that is ours. */
const program = `
import {
  hardStateStoreConformance, KeyValueStateMachine, logStoreConformance,
  snapshotStoreConformance, stateMachineConformance,
} from 'd-engine/storage';

function hardStatePlace() {
  let kept;
  return {
    open: async () => ({
      recovered: kept,
      store: { write: async (state) => { kept = state; }, close: async () => undefined },
    }),
  };
}
const forgetfulLog = {
  append: async () => undefined, read: async () => [], purge: async () => undefined,
  idle: async () => undefined, close: async () => undefined, bytes: 0,
};
const emptyLog = {
  firstIndex: 1, precedingTerm: 0, lastIndex: 0, termStarts: [], membershipEntries: [],
  commitIndex: 0, lastClusterTimeMs: 0,
};
const suites = {
  state: stateMachineConformance(
    () => new KeyValueStateMachine({ readHistoryId: () => 'ab'.repeat(16) }),
  ),
  hardState: hardStateStoreConformance(hardStatePlace),
  log: logStoreConformance(() => ({
    open: async () => ({ log: forgetfulLog, recovered: emptyLog }),
  })),
  snapshots: snapshotStoreConformance(() => ({ open: async () => { throw new Error('none'); } })),
};
const counts = {};
for (const [name, cases] of Object.entries(suites)) {
  counts[name] = { all: cases.length, failed: 0 };
  for (const { run } of cases) await run().catch(() => { counts[name].failed += 1; });
}
console.log(JSON.stringify(counts));
`;

/** A folder outside of the repository with the packed package in its node_modules. */
function userFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'd-engine-user-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  const cwd = join(repositoryRoot, 'packages/d-engine');
  const name = execFileSync('npm', pack, { cwd, encoding: 'utf8' }).trim();
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  execFileSync('tar', ['-xzf', join(folder, name), '-C', folder]);
  renameSync(join(folder, 'package'), join(modules, 'd-engine'));
  symlinkSync(join(repositoryRoot, 'node_modules/commander'), join(modules, 'commander'));
  return folder;
}

test('the packed package has the suites for backends, and they run without this repository', () => {
  const folder = userFolder();
  writeFileSync(join(folder, 'main.mjs'), program);
  const output = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  const counts = JSON.parse(output) as Record<string, { all: number; failed: number }>;
  expect(counts['state']).toEqual({ all: 13, failed: 0 });
  expect(counts['hardState']).toEqual({ all: 10, failed: 0 });
  expect(counts['log']?.all).toBe(20);
  expect(counts['log']?.failed).toBeGreaterThan(14);
  expect(counts['snapshots']).toEqual({ all: 6, failed: 6 });
});
