import { silentLogger } from '@d-engine/base';
import { expect, test } from 'vitest';
import { SegmentSupply } from '../src/segment-supply.ts';
import { CrashDisk } from './crash-disk.ts';
import { logDirectory, segmentFile } from './fixtures.ts';

// Simulator seed 630010: acknowledged entries were replaced by zeros.
test('an idle moment while a segment is taken does not make that segment again', async () => {
  const disk = new CrashDisk();
  await disk.makeDirectory(logDirectory);
  const supply = new SegmentSupply({
    disk,
    directory: logDirectory,
    segmentBytes: 4096,
    logger: silentLogger,
  });
  supply.prepare(2);
  await supply.settled();
  const taking = supply.take(2);
  // The log still stands in segment 1 and wants the next one to be ready.
  for (let moment = 0; moment < 20; moment++) {
    supply.prepare(2);
    await Promise.resolve();
  }
  const { file } = await taking;
  await file.writeAndSync(0, [Buffer.from('acknowledged')]);
  supply.prepare(2);
  await supply.settled();
  await file.close();
  expect(supply.problem).toBeUndefined();
  const again = await disk.open(segmentFile(2), 'read');
  expect(Buffer.from(await again.read(0, 12)).toString()).toBe('acknowledged');
  await again.close();
});
