import { expect, test, vi } from 'vitest';
import { ElectionSafety } from '../src/invariants/election-safety.ts';
import type { RunSettings } from '../src/run-seed.ts';
import { runSeed } from '../src/run-seed.ts';
import { simulate } from '../src/simulate.ts';

const settings: RunSettings = {
  preset: 'swarm',
  nodes: 1,
  transport: 'messages',
  strategy: undefined,
  durationMs: 500,
};

/** Does something once the run has begun in earnest. */
function atLine(number: number, action: () => void): () => void {
  let lines = 0;
  return () => {
    lines += 1;
    if (lines === number) action();
  };
}

test('a run that throws is a failure of its seed, with the last events of members', async () => {
  let steps = 0;
  const step = vi.spyOn(ElectionSafety.prototype, 'step').mockImplementation(() => {
    steps += 1;
    if (steps % 20 === 0) throw new Error('a defect of the harness');
    return undefined;
  });
  const result = await runSeed(7, settings);
  step.mockRestore();
  expect(result).toMatchObject({ seed: 7 });
  if (!('failure' in result)) throw new Error('nothing failed');
  expect(result.failure).toContain('a defect of the harness');
  expect(result.lastEvents).toContain('n1:');
  expect(result.lastEvents.some((line) => line.includes('Became leader'))).toBe(true);
});

test('a rejection that nobody handles is a failure of the run that it happened in', async () => {
  // The runner of these tests listens too, and would fail all of them.
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  try {
    const floating = atLine(10, () => void Promise.reject(new Error('nobody waits')));
    const result = await runSeed(7, settings, floating);
    expect(result).toMatchObject({ failure: expect.stringContaining('nobody waits') as string });
    const next = await runSeed(7, settings);
    expect('report' in next).toBe(true);
    expect(process.listenerCount('unhandledRejection')).toBe(0);
  } finally {
    for (const other of others) process.on('unhandledRejection', other);
  }
});

test('what nobody catches in a callback of the world ends the run', async () => {
  let thrown = 0;
  const onLine = (line: string): void => {
    if (!line.includes(' fault ') || thrown > 0) return;
    thrown += 1;
    throw new Error('planted in a callback');
  };
  const report = await simulate(3, { durationMs: 30_000, onLine });
  expect(thrown).toBe(1);
  expect(report.violations[0]?.check).toBe('no member dies');
  expect(report.violations[0]?.text).toContain('planted in a callback');
});
