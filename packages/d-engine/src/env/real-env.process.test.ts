import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { createClientEnv } from './client-env.ts';
import { createRealEnv } from './real-env.ts';

const directory = mkdtempSync(join(tmpdir(), 'd-engine-env-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('the clock', () => {
  const { clock } = createClientEnv();

  test('never calls a timer early', async () => {
    const early: number[] = [];
    const timers = Array.from({ length: 300 }, (_, index) => {
      const delayMs = (index % 30) + 0.37;
      const started = clock.monotonicMs();
      return new Promise<void>((resolve) => {
        clock.setTimer(delayMs, () => {
          const passed = clock.monotonicMs() - started;
          if (passed < delayMs) early.push(passed - delayMs);
          resolve();
        });
      });
    });
    await Promise.all(timers);
    expect(early).toEqual([]);
  });

  test('forgets a cancelled timer, and takes delays beyond what Node takes', async () => {
    const fired: string[] = [];
    const far = clock.setTimer(2 ** 40, () => fired.push('far'));
    const cancelled = clock.setTimer(1, () => fired.push('cancelled'));
    cancelled.cancel();
    cancelled.cancel();
    await new Promise<void>((resolve) => {
      clock.setTimer(20, resolve);
    });
    far.cancel();
    expect(fired).toEqual([]);
  });

  test('reads both clocks at once', () => {
    const { monotonicMs, wallMs } = clock.now();
    expect(Math.abs(clock.wallMs() - wallMs)).toBeLessThan(1_000);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(monotonicMs);
  });
});

describe('random numbers', () => {
  const { random } = createClientEnv();

  test('are uniform in [0, 1)', () => {
    const buckets = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 20_000; draw++) {
      const value = random.float();
      expect(value >= 0 && value < 1).toBe(true);
      buckets[Math.floor(value * 10)] = (buckets[Math.floor(value * 10)] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 2_000)).toBeLessThan(300);
  });

  test('and bytes differ each time', () => {
    expect(random.bytes(16)).toHaveLength(16);
    expect(random.bytes(16)).not.toEqual(random.bytes(16));
  });
});

test('afterPoll lets sockets, files and timers have their turn first', async () => {
  const env = createRealEnv();
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    env.clock.setTimer(1, () => {
      env.schedule.afterPoll(() => {
        order.push('after poll');
        resolve();
      });
      queueMicrotask(() => order.push('microtask'));
      process.nextTick(() => order.push('tick'));
    });
  });
  expect(order.at(-1)).toBe('after poll');
  await env.close();
});

test('a closed environment lets the process end, also bundled into one file', async () => {
  const bundle = join(directory, 'env-exits.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./test/env-exits.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: bundle,
    logLevel: 'silent',
  });
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [bundle], {
    timeout: 20_000,
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^closed after an answer of \d+ bytes\n$/);
}, 30_000);
