import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let root = '';

/** A workspace of two packages, built by a copy of the real tool. */
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'build-'));
  mkdirSync(path.join(root, 'tools'));
  for (const file of ['tools/build.mjs', 'tools/bundled-packages.mjs']) {
    copyFileSync(file, path.join(root, file));
  }
  mkdirSync(path.join(root, 'node_modules/@d-engine'), { recursive: true });
  symlinkSync(path.resolve('node_modules/esbuild'), path.join(root, 'node_modules/esbuild'));
  symlinkSync(path.join(root, 'packages/base'), path.join(root, 'node_modules/@d-engine/base'));
  write('node_modules/zod/package.json', '{ "name": "zod", "main": "index.js" }');
  write('node_modules/zod/index.js', 'exports.zod = "foreign code";');
  write('package-lock.json', '{}');
  write(
    'packages/base/package.json',
    '{ "name": "@d-engine/base", "type": "module", "exports": "./src/index.ts" }',
  );
  write('packages/base/src/index.ts', "export const answer: string = 'own code';\n");
  manifest({ zod: '1.0.0' });
  const imports = "import { answer } from '@d-engine/base';\nimport { zod } from 'zod';\n";
  write('packages/d-engine/src/index.ts', `${imports}console.log(answer, zod);\n`);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, text: string): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, text);
}

function manifest(dependencies: Record<string, string>): void {
  const text = JSON.stringify({ name: 'd-engine', type: 'module', dependencies });
  write('packages/d-engine/package.json', text);
}

function build(...args: string[]): string {
  const options = { cwd: root, encoding: 'utf8', stdio: 'pipe' } as const;
  return execFileSync('node', ['tools/build.mjs', ...args], options);
}

function dist(file: string): string {
  return path.join(root, 'packages/d-engine/dist', file);
}

it('bundles our own packages and leaves declared dependencies outside', () => {
  expect(build()).toMatch(/dist has index \(/);
  const bundle = readFileSync(dist('index.js'), 'utf8');
  expect(bundle).toContain('own code');
  expect(bundle).toMatch(/from ["']zod["']/);
  expect(bundle).not.toContain('foreign code');
  expect(existsSync(dist('index.js.map'))).toBe(true);
  const ran = execFileSync('node', [dist('index.js')], { encoding: 'utf8' });
  expect(ran).toBe('own code foreign code\n');
});

it('refuses a foreign package that is not declared', () => {
  manifest({});
  const { status, stderr } = spawnSync('node', ['tools/build.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toContain('node_modules/zod/index.js');
});

it('with --if-stale builds only what is missing, changed or removed', () => {
  expect(build('--if-stale')).toMatch(/dist has index/);
  expect(build('--if-stale')).toMatch(/up to date/);

  const later = new Date(Date.now() + 5_000);
  utimesSync(path.join(root, 'packages/base/src/index.ts'), later, later);
  expect(build('--if-stale')).toMatch(/dist has index/);
  utimesSync(path.join(root, 'packages/base/src/index.ts'), new Date(0), new Date(0));
  expect(build('--if-stale')).toMatch(/up to date/);

  utimesSync(path.join(root, 'packages/base/src'), later, later); // A file in it was removed.
  expect(build('--if-stale')).toMatch(/dist has index/);
  utimesSync(path.join(root, 'packages/base/src'), new Date(0), new Date(0));

  rmSync(dist('index.js'));
  expect(build('--if-stale')).toMatch(/dist has index/);
  write('packages/d-engine/src/client.ts', 'export const client = 1;\n');
  expect(build('--if-stale')).toMatch(/dist has index, client/);
});

it('writes the same bytes again, and drops the chunks of earlier builds', () => {
  const shared = (text: string): void => {
    write('packages/base/src/index.ts', `export class Shared { text = '${text}'; }\n`);
  };
  const use = "import { Shared } from '@d-engine/base';\nexport const made = new Shared();\n";
  write('packages/d-engine/src/index.ts', use);
  write('packages/d-engine/src/client.ts', use);
  shared('one');
  build();
  const first = readdirSync(dist('.')).sort();
  const writtenAtMs = statSync(dist('index.js')).mtimeMs;
  expect(first.filter((name) => name.startsWith('chunk-'))).toHaveLength(2);
  build();
  expect(readdirSync(dist('.')).sort()).toEqual(first);
  expect(statSync(dist('index.js')).mtimeMs).toBe(writtenAtMs);
  shared('two');
  build();
  const second = readdirSync(dist('.')).sort();
  expect(second).toHaveLength(first.length);
  expect(second).not.toEqual(first);
});

it('makes the command line executable and insists on its first line', () => {
  write('packages/d-engine/src/cli.ts', "#!/usr/bin/env node\nconsole.log('ran');\n");
  build();
  expect(execFileSync(dist('cli.js'), { encoding: 'utf8' })).toBe('ran\n');
  write('packages/d-engine/src/cli.ts', "console.log('ran');\n");
  expect(() => build()).toThrow('must start with #!/usr/bin/env node');
});
