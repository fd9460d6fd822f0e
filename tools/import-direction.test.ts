import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { afterAll, beforeAll, expect, it } from 'vitest';

const packages = [
  'base',
  'raft',
  'storage',
  'wire',
  'node',
  'client',
  'virtual-env',
  'simulator',
  'stray',
];

const home = process.cwd();
let root = '';

/** A workspace like ours, with nothing wrong in it. */
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'import-direction-'));
  write('package.json', '{ "name": "planted", "private": true, "type": "module" }');
  const paths = {
    'd-engine': ['./packages/d-engine/src/index.ts'],
    'd-engine/client': ['./packages/d-engine/src/client.ts'],
  };
  write('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'nodenext', paths } }));
  mkdirSync(path.join(root, 'node_modules/@d-engine'), { recursive: true });
  for (const name of packages) {
    const manifest = { name: `@d-engine/${name}`, type: 'module', exports: './src/index.ts' };
    write(`packages/${name}/package.json`, JSON.stringify(manifest));
    write(`packages/${name}/src/index.ts`, `export const name = '${name}';\n`);
    write(`packages/${name}/src/inner.ts`, `export const inner = '${name}';\n`);
    symlinkSync(
      path.join(root, 'packages', name),
      path.join(root, 'node_modules/@d-engine', name),
      'dir',
    );
  }
  write('packages/d-engine/package.json', '{ "name": "d-engine", "type": "module" }');
  write('packages/d-engine/src/index.ts', 'export const engine = 1;\n');
  write('packages/d-engine/src/client.ts', 'export const client = 1;\n');
  write('packages/d-engine/src/inner.ts', 'export const inner = 1;\n');
  write('node_modules/left-pad/package.json', '{ "name": "left-pad", "main": "index.js" }');
  write('node_modules/left-pad/index.js', 'module.exports = 1;\n');
  process.chdir(root); // dependency-cruiser reads tsconfig.json from where it runs.
});

afterAll(() => {
  process.chdir(home);
  rmSync(root, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, text);
}

/** The rules that a file with these imports breaks. */
async function brokenRules(file: string, ...imports: string[]): Promise<string[]> {
  write(file, imports.map((specifier, at) => `import * as m${at} from '${specifier}';\n`).join(''));
  const options = await extractDepcruiseOptions(path.join(home, '.dependency-cruiser.cjs'));
  const found = await cruise(
    [file],
    { ...options, validate: true, outputType: 'json' },
    { conditionNames: ['import', 'node', 'default'], exportsFields: ['exports'] },
  );
  rmSync(path.join(root, file));
  if (typeof found.output !== 'string') throw new Error('dependency-cruiser answered no JSON');
  const { summary } = JSON.parse(found.output) as {
    summary: { violations: { from: string; rule: { name: string } }[] };
  };
  const rules = summary.violations.map(({ rule }) => rule.name);
  return [...new Set(rules)].sort();
}

const allowed: readonly (readonly [string, readonly string[]])[] = [
  ['base', []],
  ['raft', ['base']],
  ['storage', ['base', 'raft']],
  ['wire', ['base']],
  ['node', ['base', 'raft', 'storage', 'wire']],
  ['client', ['base', 'wire']],
  ['virtual-env', ['base']],
  ['d-engine', ['base', 'raft', 'storage', 'wire', 'node', 'client']],
  ['simulator', ['base', 'raft', 'storage', 'wire', 'node', 'client', 'virtual-env']],
];

it.each(allowed)('%s may import %j and no other package', async (name, targets) => {
  const file = `packages/${name}/src/planted.ts`;
  expect(await brokenRules(file, ...targets.map((target) => `@d-engine/${target}`))).toEqual([]);
  const others = packages.filter((other) => other !== name && !targets.includes(other));
  for (const other of others) {
    expect(await brokenRules(file, `@d-engine/${other}`)).toContain(`direction-of-${name}`);
  }
  if (name === 'd-engine') return;
  expect(await brokenRules(file, 'd-engine')).toEqual([`direction-of-${name}`]);
});

it('tests may use the virtual environment and the scale, sources may not', async () => {
  const scale = 'tools/test-scale.ts';
  write(scale, 'export const scale = 1;\n');
  const imports = ['@d-engine/virtual-env', '../../../tools/test-scale.ts'];
  expect(await brokenRules('packages/storage/src/planted.test.ts', ...imports)).toEqual([]);
  expect(await brokenRules('packages/storage/test/planted.ts', ...imports)).toEqual([]);
  expect(await brokenRules('packages/storage/src/planted.ts', ...imports)).toEqual([
    'direction-of-storage',
  ]);
  expect(await brokenRules('packages/storage/test/planted.ts', '@d-engine/wire')).toEqual([
    'direction-of-tests-of-storage',
  ]);
  expect(await brokenRules('packages/base/src/x.test.ts', '../../../tools/other.ts')).not.toEqual(
    [],
  );
});

it('what users test with runs in the virtual environment, the product does not', async () => {
  const testing = 'packages/d-engine/src/testing';
  for (const file of [`${testing}.ts`, `${testing}/planted.ts`]) {
    expect(await brokenRules(file, '@d-engine/virtual-env', '@d-engine/node')).toEqual([]);
    expect(await brokenRules(file, '@d-engine/simulator')).toEqual([
      'direction-of-d-engine-testing',
    ]);
  }
  expect(
    await brokenRules('packages/d-engine/src/testing-not.ts', '@d-engine/virtual-env'),
  ).toEqual(['direction-of-d-engine']);
});

it("nothing reaches past a package's index", async () => {
  const file = 'packages/raft/src/planted.ts';
  expect(await brokenRules(file, './inner.ts', '@d-engine/base')).toEqual([]);
  expect(await brokenRules(file, '../../base/src/inner.ts')).toEqual(['only-through-the-index']);
  expect(await brokenRules(file, '@d-engine/base/src/inner.ts')).toEqual(['resolvable']);
  const fixed = '../../packages/client/src/';
  expect(await brokenRules('examples/one/planted.ts', `../${fixed}inner.ts`)).toContain(
    'resolvable',
  );
  expect(await brokenRules('examples/one/planted.ts', `${fixed}inner.ts`)).toEqual([
    'only-through-the-index-from-outside',
  ]);
  expect(await brokenRules('tools/planted.ts', '../packages/client/src/inner.ts')).toEqual([
    'only-through-the-index-from-outside',
  ]);
});

it('examples and benches import the product and the client', async () => {
  const file = 'benches/one/src/planted.ts';
  const product = ['d-engine', 'd-engine/client', '@d-engine/client'];
  expect(await brokenRules(file, ...product)).toEqual([]);
  expect(await brokenRules('tools/planted.ts', ...product)).toEqual([]);
  expect(await brokenRules(file, '../../../packages/d-engine/src/inner.ts')).toEqual([
    'only-through-the-index-from-outside',
  ]);
  expect(await brokenRules(file, '@d-engine/node')).toEqual([
    'examples-and-benches-use-the-product',
  ]);
});

it('no files import each other, not even types', async () => {
  write('packages/node/src/a.ts', "import type { b } from './b.ts';\nexport type a = b;\n");
  write('packages/node/src/b.ts', "import type { a } from './a.ts';\nexport type b = a;\n");
  expect(await brokenRules('packages/node/src/planted.ts', './a.ts')).toEqual(['no-cycles']);
});

it('a source imports no test, nothing missing, and no package that is not declared', async () => {
  const file = 'packages/node/src/planted.ts';
  write('packages/node/src/one.test.ts', 'export const one = 1;\n');
  expect(await brokenRules(file, './one.test.ts')).toEqual(['source-imports-no-test']);
  expect(await brokenRules(file, './missing.ts')).toEqual(['resolvable']);
  expect(await brokenRules(file, 'left-pad')).toEqual(['ships-with-what-it-imports']);
});

it('a package must be in the table', async () => {
  expect(await brokenRules('packages/stray/src/planted.ts', './inner.ts')).toEqual([
    'package-not-in-the-table',
    'package-without-a-direction',
  ]);
});
