import { crc32 } from 'node:zlib';
import { silentLogger, silentMetrics } from '@d-engine/base';
import type { Raft, Sender } from '@d-engine/raft';
import type { SnapshotReceiver as ReceivedFile, Storage } from '@d-engine/storage';
import { StorageDamage } from '@d-engine/storage';
import type { PeerFrame, SnapshotChunk, SnapshotOffer } from '@d-engine/wire';
import { expect, test } from 'vitest';
import type { Applier } from '../applier.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { SnapshotMetrics } from './snapshot-metrics.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';
import type { SnapshotTask } from './snapshot-task.ts';

const leader: Sender = { nodeId: 1, instanceId: 'a'.repeat(32), bootCount: 1 };
const offer: SnapshotOffer = {
  type: 'snapshotOffer',
  transferId: 7,
  term: 3,
  clusterId: 'c'.repeat(32),
  formedAtWallMs: 1,
  index: 9,
  snapshotTerm: 2,
  lengthBytes: 20,
  sha256: '0'.repeat(64),
};

function piece(offset: number, bytes: number, transferId = 7): SnapshotChunk {
  const data = Buffer.alloc(bytes, 'x');
  return { type: 'snapshotChunk', transferId, offset, data, crc32: crc32(data) };
}

/** A member that follows node 1 in term 3 and knows of nothing committed above 4. */
function start(finish: () => Promise<undefined> = () => Promise.resolve(undefined)) {
  const clock = new ManualClock();
  const answers: PeerFrame[] = [];
  const failures: unknown[] = [];
  const written: number[] = [];
  const file = {
    offset: 0,
    write: (bytes: Uint8Array) => {
      file.offset += bytes.length;
      written.push(bytes.length);
      return Promise.resolve();
    },
    finish,
  };
  const snapshots = { receive: () => Promise.resolve(file as unknown as ReceivedFile) };
  const raft = { commitIndex: 4, leaderId: 1, term: 3, clusterId: offer.clusterId };
  const task = { pause: () => Promise.resolve(), resume: () => undefined };
  const receiver = new SnapshotReceiver({
    raft: raft as unknown as Raft,
    storage: { snapshots } as unknown as Storage,
    applier: {} as Applier,
    task: task as unknown as SnapshotTask,
    clock,
    settings: { chunkTimeoutMs: 500 } as SnapshotSettings,
    logger: silentLogger,
    metrics: new SnapshotMetrics(silentMetrics),
    requestTurn: () => undefined,
    onFailure: (error) => failures.push(error),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  const states = (): string[] =>
    answers.map((frame) => (frame.type === 'snapshotAnswer' ? frame.state : frame.type));
  const offered = async (changes: Partial<SnapshotOffer> = {}, from = leader): Promise<void> => {
    receiver.onOffer(from, { ...offer, ...changes }, (answer) => answers.push(answer));
    await settle();
  };
  const sent = async (chunk: SnapshotChunk, from = leader): Promise<void> => {
    receiver.onChunk(from, chunk);
    await settle();
  };
  return { clock, receiver, raft, written, answers, failures, states, offered, sent };
}

test('takes a snapshot piece by piece, and says how far it has got', async () => {
  const { answers, written, offered, sent, states } = start();
  await offered();
  await sent(piece(0, 12));
  await sent(piece(12, 8));
  expect(written).toEqual([12, 8]);
  expect(answers.slice(0, 2)).toMatchObject([{ offset: 0 }, { offset: 12 }]);
  expect(states()).toEqual(['receiving', 'receiving', 'complete']);
});

test('what is committed here already is not taken again', async () => {
  const { answers, offered } = start();
  await offered({ index: 4 });
  expect(answers).toMatchObject([{ state: 'complete', upTo: 4 }]);
});

test.each([
  { what: 'of another cluster', changes: { clusterId: 'd'.repeat(32) }, from: leader },
  { what: 'of a leader of another term', changes: { term: 4 }, from: leader },
  { what: 'of a member that does not lead here', changes: {}, from: { ...leader, nodeId: 2 } },
])('a snapshot $what is refused', async ({ changes, from }) => {
  const { states, offered } = start();
  await offered(changes, from);
  expect(states()).toEqual(['refused']);
});

test.each([
  { what: 'that leaves a gap', chunk: piece(4, 4) },
  { what: 'that goes beyond the end', chunk: piece(0, 21) },
  { what: 'whose bytes are not what was sent', chunk: { ...piece(0, 4), crc32: 1 } },
])('a piece $what ends the transfer, and what was written stays', async ({ chunk }) => {
  const { written, states, offered, sent } = start();
  await offered();
  await sent(chunk);
  expect(states()).toEqual(['receiving', 'refused']);
  await sent(piece(0, 4));
  expect(written).toEqual([]);
});

test('pieces of another transfer or another member are nothing', async () => {
  const { written, offered, sent } = start();
  await offered();
  await sent(piece(0, 4, 8));
  await sent(piece(0, 4), { ...leader, nodeId: 2 });
  expect(written).toEqual([]);
});

test('goes on where the file stands when the sender comes back', async () => {
  const { answers, offered, sent } = start();
  await offered();
  await sent(piece(0, 12));
  await offered({ transferId: 8 });
  expect(answers.at(-1)).toMatchObject({ transferId: 8, state: 'receiving', offset: 12 });
});

test('a sender that is silent for too long is forgotten', async () => {
  const { clock, written, offered, sent } = start();
  await offered();
  clock.advance(500);
  await sent(piece(0, 4));
  expect(written).toEqual([]);
});

test('another file than was offered is refused, a disk that fails stops the member', async () => {
  const bad = new StorageDamage({ file: 'snapshot', offset: 0, reason: 'it is another file' });
  const broken = new Error('the disk failed');
  for (const error of [bad, broken]) {
    const { states, failures, offered, sent } = start(() => Promise.reject(error));
    await offered();
    await sent(piece(0, 20));
    expect(states().at(-1)).toBe(error === bad ? 'refused' : 'receiving');
    expect(failures).toEqual(error === bad ? [] : [broken]);
  }
});
