import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedPages } from './pages.ts';

test.each(generatedPages())('$path is what npm run docs writes', ({ path, text }) => {
  expect(readFileSync(path, 'utf8')).toBe(text);
});
