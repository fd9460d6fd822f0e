import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenStateMachine } from 'd-engine/storage';
import { expect, onTestFinished, test } from 'vitest';
import { EmbeddedEngine } from '../../d-engine/src/index.ts';
import { openLmdbStateMachine } from '../src/index.ts';

test('an engine on LMDB has after a restart what it had, and goes on from there', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'd-engine-lmdb-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const found: number[] = [];
  const openStateMachine: OpenStateMachine = async (context) => {
    const machine = await openLmdbStateMachine(context);
    found.push(machine.appliedIndex);
    return machine;
  };
  const first = await EmbeddedEngine.start({ dataDir, openStateMachine });
  await first.waitReady();
  const { revision } = await first.client().put('a', '1');
  for (let number = 0; number < 50; number++) await first.client().put(`key-${number}`, 'value');
  await first.stop();
  const second = await EmbeddedEngine.start({ dataDir, openStateMachine });
  await second.waitReady();
  expect(found[0]).toBe(0);
  expect(found[1]).toBeGreaterThan(revision);
  const read = await second.client().get('a');
  expect(Buffer.from(read?.value ?? []).toString()).toBe('1');
  expect(read?.modRevision).toBe(revision);
  await second.client().put('b', '2');
  await second.stop();
  // The same log, without what was kept of the state, and in memory.
  const third = await EmbeddedEngine.start({ dataDir });
  await third.waitReady();
  expect(Buffer.from((await third.client().get('b'))?.value ?? []).toString()).toBe('2');
  await third.stop();
});
