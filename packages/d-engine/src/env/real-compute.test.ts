import { createHash, pbkdf2, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { RealCompute } from './real-compute.ts';

const compute = new RealCompute();

it('compresses and expands', async () => {
  const bytes = randomBytes(300_000);
  const small = await compute.gzip(bytes);
  expect(await compute.gunzip(small, bytes.length)).toEqual(bytes);
  expect(await compute.gunzip(await compute.gzip(new Uint8Array(0)), 0)).toHaveLength(0);
});

it('expands to no more than allowed', async () => {
  const bomb = await compute.gzip(Buffer.alloc(10_000_000));
  await expect(compute.gunzip(bomb, 9_999_999)).rejects.toThrow();
  await expect(compute.gunzip(bomb, 0)).rejects.toThrow();
  expect(await compute.gunzip(bomb, 10_000_000)).toHaveLength(10_000_000);
});

it('goes on after bytes that are no gzip', async () => {
  await expect(compute.gunzip(Buffer.from('no gzip'), 100)).rejects.toThrow('incorrect header');
  expect(await compute.gzip(Buffer.from('text'))).not.toHaveLength(0);
});

it('hashes chunks as one, in slices', async () => {
  const chunks = [0, 1, 70_000, 262_144, 262_145, 3_000_000, 5].map((size) => randomBytes(size));
  const expected = createHash('sha256').update(Buffer.concat(chunks)).digest();
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  expect(await compute.sha256(chunks)).toEqual(expected);
  isDone = true;
  expect(turns).toBeGreaterThan(10);
  expect(await compute.sha256([])).toEqual(createHash('sha256').digest());
});

it('leaves threads of the pool to others', async () => {
  const bytes = randomBytes(4_000_000);
  const finished: string[] = [];
  const jobs = Array.from({ length: 6 }, () =>
    compute.gzip(bytes).then(() => finished.push('gzip')),
  );
  await new Promise<void>((resolve) => {
    pbkdf2('password', 'salt', 1000, 32, 'sha256', () => resolve());
  });
  finished.push('host');
  await Promise.all(jobs);
  expect(finished.indexOf('host')).toBeLessThan(2);
});
