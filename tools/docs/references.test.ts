import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NamedTargets } from './references.ts';
import { brokenReferences, headingsOf, makeTargets } from './references.ts';

const listed = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
);
const files = [...new Set(listed.split('\0'))].filter((path) => existsSync(path));
const pages = files.filter((path) => path.endsWith('.md'));
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>;
};
const npm = new Set(Object.keys(manifest.scripts));

const example = 'examples/three-nodes-standalone';

/** A page beside a Makefile is read there; the others speak of the root, and of the example. */
function targetsFor(page: string): NamedTargets {
  const folder = page.startsWith('examples/') ? dirname(page) : example;
  const makefiles = ['Makefile', join(folder, 'Makefile')];
  return { make: new Set(makefiles.flatMap(makeTargets)), npm, files };
}

describe('what the pages name', () => {
  it('are all there', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md']),
    );
  });

  it.each(pages)('exists: %s', (page) => {
    expect(brokenReferences(page, readFileSync(page, 'utf8'), targetsFor(page))).toEqual([]);
  });
});

describe('the check', () => {
  const targets = { make: new Set(['test']), npm: new Set(['docs']), files };
  const check = (text: string): string[] => brokenReferences('docs/x.md', text, targets);

  it.each([
    ['[a](nowhere.md)', 'nowhere.md leads nowhere'],
    ['[a](testing.md#nothing-here)', 'docs/testing.md has no heading #nothing-here'],
    ['[a](../LICENSE)', '../LICENSE leads nowhere'],
    ['see `packages/raft/src/gone.ts`', 'packages/raft/src/gone.ts does not exist'],
    ['see `golden/rules/rule-99.txt`', 'golden/rules/rule-99.txt does not exist'],
    ['see `raft/src/gone.ts`', 'raft/src/gone.ts does not exist'],
    ['see `gone.ts`', 'gone.ts does not exist'],
    ['run `make tset`', 'there is no "make tset"'],
    ['```sh\nLOG_LEVEL=info make nothing\n```', 'there is no "make nothing"'],
    ['    npm run nothing', 'there is no "npm run nothing"'],
  ])('finds %j', (text, problem) => {
    const [found] = check(text);
    expect(found).toContain(problem);
  });

  it.each([
    '[a](testing.md#the-simulator), [b](https://example.com/nowhere), [c](../README.md)',
    '`packages/raft/src/raft.ts`, `golden/rules/`, `raft/src/raft.ts` `x`, `turn-loop.ts`',
    '`make test`; make sure\n```sh\nmake test   # make nothing of it\nnpm run -s docs\n```',
  ])('lets pass %j', (text) => {
    expect(check(text)).toEqual([]);
  });

  it('makes anchors as GitHub does', () => {
    const headings = headingsOf('examples/three-nodes-standalone/README.md');
    expect(headings).toContain('what-is-not-there-yet');
  });
});
