import { silentMetrics } from '@d-engine/base';
import type { SnapshotInfo, SnapshotReader } from '@d-engine/storage';
import type { SnapshotFrame } from '@d-engine/wire';
import { expect, test } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import { SnapshotMetrics } from './snapshot-metrics.ts';
import type { SendResult } from './snapshot-sender.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';

const settings = {
  chunkBytes: 100,
  bandwidthMbpsMax: 0,
  pushAttemptsMax: 2,
  pushBackoffMs: 20,
  pushTimeoutMs: 60_000,
  chunkTimeoutMs: 500,
} as SnapshotSettings;

const file = Uint8Array.from({ length: 350 }, (_, position) => position % 256);

function start(changes: Partial<SnapshotSettings> = {}) {
  const clock = new ManualClock();
  const frames: SnapshotFrame[] = [];
  const results: SendResult[] = [];
  let opened = 0;
  const header = { clusterId: 'c', formedAtWallMs: 1, index: 9, term: 2 };
  const reader: SnapshotReader = {
    info: { header, lengthBytes: file.length, sha256: 'ab' } as unknown as SnapshotInfo,
    read: async (offset, length) => file.slice(offset, offset + length),
    close: async () => undefined,
  };
  const sender = new SnapshotSender({
    peer: 2,
    instanceId: 'i',
    reader,
    term: 3,
    transport: {
      openBulk: () => {
        opened += 1;
      },
      closeBulk: () => undefined,
      sendBulk: (_, frame) => frames.push(frame) > 0,
    },
    clock,
    settings: { ...settings, ...changes },
    metrics: new SnapshotMetrics(silentMetrics),
    onEnd: (result) => results.push(result),
  });
  const offsets = (): number[] =>
    frames.flatMap((frame) => (frame.type === 'snapshotChunk' ? [frame.offset] : []));
  const offers = (): SnapshotFrame[] => frames.filter(({ type }) => type === 'snapshotOffer');
  const answer = async (
    state: 'receiving' | 'complete' | 'refused',
    offset = 0,
    transferId = offers().at(-1)?.['transferId' as never] ?? 0,
  ): Promise<void> => {
    const rest = { transferId, offset, upTo: 9, reason: 'not now' };
    sender.onAnswer({ type: 'snapshotAnswer', state, ...rest });
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  return { clock, sender, frames, results, offsets, offers, answer, opened: () => opened };
}

test('offers the file, sends it once the peer is ready, and ends with its word', async () => {
  const { sender, offsets, offers, results, answer } = start();
  sender.onLinkUp('i');
  expect(offers()).toMatchObject([{ term: 3, index: 9, snapshotTerm: 2, lengthBytes: 350 }]);
  expect(offsets()).toEqual([]);
  await answer('receiving', 0);
  expect(offsets()).toEqual([0, 100, 200, 300]);
  await answer('complete');
  expect(results).toEqual([{ type: 'sent', upTo: 9 }]);
});

test('goes on where the peer says when the connection broke', async () => {
  const { sender, offsets, offers, answer } = start();
  sender.onLinkUp('i');
  await answer('receiving', 0);
  sender.onLinkDown();
  // What comes late is the answer to an older offer.
  await answer('receiving', 100);
  sender.onLinkUp('i');
  expect(offers()).toHaveLength(2);
  await answer('receiving', 200);
  expect(offsets()).toEqual([0, 100, 200, 300, 200, 300]);
});

test('sends no faster than it may', async () => {
  // 100 bytes in 8 ms.
  const { clock, sender, offsets, answer } = start({ bandwidthMbpsMax: 0.1 });
  sender.onLinkUp('i');
  await answer('receiving', 0);
  expect(offsets()).toEqual([0]);
  clock.advance(7);
  await answer('receiving', 100);
  expect(offsets()).toEqual([0]);
  clock.advance(1);
  await answer('receiving', 100);
  expect(offsets()).toEqual([0, 100]);
});

test('a peer that refuses is asked again, so many times', async () => {
  const { clock, sender, offers, results, answer } = start();
  sender.onLinkUp('i');
  await answer('refused');
  expect(offers()).toHaveLength(1);
  clock.advance(20);
  expect(offers()).toHaveLength(2);
  await answer('refused');
  expect(results).toEqual([{ type: 'failed', reason: 'not now' }]);
});

test('a silent peer gets another connection, then it is given up', () => {
  const { clock, results, opened } = start();
  expect(opened()).toBe(1);
  clock.advance(500);
  expect(opened()).toBe(2);
  clock.advance(500);
  expect(results).toEqual([{ type: 'failed', reason: 'the peer is silent' }]);
  expect(clock.timerCount).toBe(0);
});

test('another data directory under the same node id gets nothing', () => {
  const { sender, offers, results } = start();
  sender.onLinkUp('another');
  expect(offers()).toEqual([]);
  expect(results[0]?.type).toBe('failed');
});
