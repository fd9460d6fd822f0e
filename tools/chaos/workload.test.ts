import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Command } from '@d-engine/simulator';
import { expect, test } from 'vitest';
import { Recorder } from './recorder.ts';
import { ChaosClient } from './workload.ts';

test('a read that was answered while its node started again is of no one process', async () => {
  let start = 1;
  let eventualReads = 0;
  const road = async (_key: string, command: Command): Promise<Answer> => {
    if (command.type === 'read' && command.consistency === 'eventual') eventualReads += 1;
    if (eventualReads === 2) start = 2;
    if (command.type === 'read') return { type: 'read', value: null, revision: 1 };
    return { type: 'put', revision: 1 };
  };
  const recorder = new Recorder(() => false);
  const destinations = [{ road, process: () => `node 1 start ${start}` }];
  const options = { name: 'c0', seed: 1, epochMs: 60_000, recorder, destinations };
  const client = new ChaosClient(options);
  const names = (): string[] =>
    recorder.operations.map((each) => each.client).filter((name) => name !== 'c0');
  while (names().length < 3) await delay(1);
  await client.stop();
  expect(names().slice(0, 3)).toEqual([
    'node 1 start 1',
    'node 1 start 1 or a later one, c0 1',
    'node 1 start 2',
  ]);
});
