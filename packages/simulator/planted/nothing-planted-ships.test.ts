import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { plant } from './build-with-bug.ts';
import { plantedBugs } from './catalogue.ts';
import type { Edit } from './planted-bug.ts';
import { markName, markWords } from './planted-bug.ts';

const root = join(import.meta.dirname, '../../..');
const dist = join(root, 'packages/d-engine/dist');
/** All that ships, without indentation and the numbers of names. */
let shipped = '';
let sources: string[] = [];

beforeAll(() => {
  execFileSync(process.execPath, ['tools/build.mjs', '--if-stale'], { cwd: root });
  const names = readdirSync(dist);
  const read = (name: string): string => readFileSync(join(dist, name), 'utf8');
  shipped = linesOf(
    names
      .filter((name) => name.endsWith('.js'))
      .map(read)
      .join('\n'),
  ).join('\n');
  sources = names
    .filter((name) => name.endsWith('.js.map'))
    .flatMap((name) => (JSON.parse(read(name)) as { sources: string[] }).sources);
});

test('what ships comes from no file of the simulator, and has no mark', () => {
  expect(sources.some((source) => source.includes('/raft/src/'))).toBe(true);
  expect(sources.filter((source) => source.includes('simulator'))).toEqual([]);
  expect(shipped).not.toContain(markName);
  expect(shipped).not.toContain(markWords);
});

describe('what ships has the line as it should be, not as it was planted', () => {
  const edits = plantedBugs.flatMap(({ name, edits: own }) =>
    own.map((edit, at) => ({ title: `${name} (${at + 1})`, edit })),
  );
  test.each(edits)('$title', ({ edit }) => {
    const { right, wrong } = bothWays(edit);
    expect(shipped.includes(right), right).toBe(true);
    expect(shipped.includes(wrong), wrong).toBe(false);
  });
});

/** The lines that differ and one on each side, as the bundler writes them. */
function bothWays(edit: Edit): { right: string; wrong: string } {
  const source = readFileSync(join(root, edit.file), 'utf8');
  const right = compiled(source);
  const wrong = compiled(plant(source, [edit]));
  let before = 0;
  while (right[before] === wrong[before]) before += 1;
  let after = 0;
  while (right.at(-1 - after) === wrong.at(-1 - after) && after < right.length - before) after += 1;
  const cut = (lines: string[]): string =>
    lines.slice(Math.max(before - 1, 0), lines.length - after + 1).join('\n');
  return { right: cut(right), wrong: cut(wrong) };
}

function compiled(source: string): string[] {
  // An import that the change leaves without use is no difference.
  const tsconfigRaw = { compilerOptions: { verbatimModuleSyntax: true } };
  return linesOf(transformSync(source, { loader: 'ts', target: 'node20.19', tsconfigRaw }).code);
}

/** Of two names that are the same in two files the bundler makes `name` and `name2`. */
function linesOf(text: string): string[] {
  const bare = (line: string): string => line.trim().replace(/^export /, '');
  return text.split('\n').map((line) => bare(line).replace(/\b([A-Za-z]+)\d+\b/g, '$1'));
}
