import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const numbers = [
  ...Array.from({ length: 22 }, (_, position) => `S${position + 1}`),
  ...Array.from({ length: 14 }, (_, position) => `L${position + 1}`),
  ...Array.from({ length: 16 }, (_, position) => `U${position + 1}`),
];

const rows = readFileSync('docs/holes-of-the-original.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| [SLU]\d/.test(line));

test('each known hole of the original has one row', () => {
  expect(rows.map((row) => row.split(' | ')[0]?.slice(2))).toEqual(numbers);
});

test.each(rows)('names what shows that it is closed, or says "open": %s', (row) => {
  const shownBy = row.split(' | ')[2] ?? '';
  // That the files are there is looked at for all pages.
  expect(shownBy).toMatch(/`[\w/-]+[\w./-]*\.(test\.ts|txt)`|-conformance\.ts`|^open: /);
});
