import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runScript } from './harness/run-script.ts';
import { parseScript, renderScript } from './harness/script.ts';

const folder = new URL('./golden/', import.meta.url);
const update = process.env['UPDATE_GOLDEN'] === '1';
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.txt'))
  .sort();

describe('golden scripts', () => {
  test('are there', () => {
    expect(names.length).toBeGreaterThan(0);
  });

  test.each(names)('%s', (name) => {
    const url = new URL(name, folder);
    const text = readFileSync(url, 'utf8');
    const script = parseScript(`golden/${name}`, text);
    const actual = renderScript(script, runScript(script));
    if (update && actual !== text) writeFileSync(url, actual);
    expect(actual).toBe(update ? actual : text);
  });
});
