import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { testScale } from './tools/test-scale.ts';

const roots = ['packages/*/src', 'packages/*/test', 'tools', 'examples/*/test', 'benches/*/test'];
/** Planted bugs are minutes of simulation in processes of their own: not a unit of anything. */
const processTests = [
  ...roots.map((root) => `${root}/**/*.process.test.ts`),
  'packages/*/planted/**/*.test.ts',
];
const timeoutFactor = testScale === 'long' ? 30 : 1;

/** What adapters import by the name that users know, from its source: nothing is built first. */
const adaptersSeeSources = {
  'd-engine/storage': fileURLToPath(new URL('packages/d-engine/src/storage.ts', import.meta.url)),
};

/** The gate adds a machine-readable report to what people read. */
const report = process.env['D_ENGINE_TEST_REPORT'];

const config: ViteUserConfig = defineConfig({
  test: {
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
    projects: [
      {
        resolve: { alias: adaptersSeeSources },
        test: {
          name: 'unit',
          include: roots.map((root) => `${root}/**/*.test.ts`),
          exclude: ['**/node_modules/**', '**/dist/**', ...processTests],
          testTimeout: 30_000 * timeoutFactor,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Real processes, ports and disks: one file at a time, after the units, so that nothing
        // else takes their CPU.
        resolve: { alias: adaptersSeeSources },
        test: {
          name: 'process',
          include: processTests,
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 180_000 * timeoutFactor,
          hookTimeout: 180_000,
          fileParallelism: false,
          // Of tests that say that they may run beside one another.
          maxConcurrency: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

export default config;
