import { silentLogger } from '@d-engine/base';
import { HardStateFile } from '@d-engine/storage';
import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import { durableVotesOn } from '../../src/invariants/durable-vote.ts';

const path = '/data/hard-state';
const instanceId = '00112233445566778899aabbccddeeff';

async function openFile() {
  const world = new VirtualWorld({ seed: 1 });
  const { disk } = world.host('n1');
  const { env } = world.host('n1');
  await world.complete(env.disk.makeDirectory('/data'));
  await world.complete(env.disk.syncDirectory('/'));
  const options = { disk: env.disk, directory: '/data', owner: instanceId, logger: silentLogger };
  await world.complete(HardStateFile.create(options));
  const { store } = await world.complete(HardStateFile.open(options));
  return { world, disk, store };
}

test('both copies of a vote are read off the platter once its write has returned', async () => {
  const { world, disk, store } = await openFile();
  const none = { term: 0, votedFor: null };
  expect(durableVotesOn(disk, path)).toEqual([none, none]);
  const votedFor = { nodeId: 3, instanceId };
  await world.complete(store.write({ term: 7, votedFor, stickinessMs: 10 }));
  const vote = { term: 7, votedFor };
  expect(durableVotesOn(disk, path)).toEqual([vote, vote]);
});

test('a vote whose first copy alone is durable shows the older one beside it', async () => {
  const { world, disk, store } = await openFile();
  const votedFor = { nodeId: 2, instanceId };
  const writing = store.write({ term: 5, votedFor, stickinessMs: 10 });
  const isHalfWay = (): boolean => durableVotesOn(disk, path)[0]?.term === 5;
  await world.run({ until: isHalfWay, limitMs: 1_000 });
  expect(durableVotesOn(disk, path)).toEqual([
    { term: 5, votedFor },
    { term: 0, votedFor: null },
  ]);
  await world.complete(writing);
});

test('there are no copies where there is no file', () => {
  const { disk } = new VirtualWorld({ seed: 1 }).host('n1');
  expect(durableVotesOn(disk, path)).toEqual([]);
});
