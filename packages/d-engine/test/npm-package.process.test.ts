import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot, UserFolder } from './support/user-folder.ts';

let user: UserFolder;

beforeAll(() => {
  user = UserFolder.make();
});
afterAll(() => user.remove());

/** One program, in the two forms that users write. */
const body = `
  const dataDir = mkdtempSync(join(tmpdir(), 'd-engine-used-'));
  const engine = await EmbeddedEngine.start({ dataDir, thread: process.argv[2] });
  await engine.waitReady();
  await engine.client().put('key', 'value');
  const entry = await engine.client().get('key');
  const late = await engine.client().put('key', 'x'.repeat(5e6)).catch((error) => error);
  await engine.stop();
  rmSync(dataDir, { recursive: true });
  const cluster = await startTestCluster({ nodes: 3 });
  await cluster.client().put('key', 'value');
  await cluster.stop();
  console.log(Buffer.from(entry.value).toString(), late instanceof DEngineError, typeof connect);
`;
const imports: readonly (readonly [string, string])[] = [
  ['mkdtempSync, rmSync', 'node:fs'],
  ['tmpdir', 'node:os'],
  ['join', 'node:path'],
  ['EmbeddedEngine', 'd-engine'],
  ['connect, DEngineError', 'd-engine/client'],
  ['startTestCluster', 'd-engine/testing'],
];
const esm = imports.map(([names, from]) => `import { ${names} } from '${from}';\n`).join('') + body;
const commonJs = `${imports
  .map(([names, from]) => `const { ${names} } = require('${from}');\n`)
  .join('')}(async () => {${body}})();`;

describe('what npm gives out', () => {
  test('holds what users need and nothing else', () => {
    const listing = execFileSync('tar', ['-tzf', user.tarball], { encoding: 'utf8' });
    const files = listing.trim().split('\n').sort();
    const others = files.filter(
      (file) => !/^package\/dist\/[\w.-]+\.(js|cjs|map|ts|cts)$/.test(file),
    );
    expect(others).toEqual([
      'package/LICENSE-APACHE',
      'package/LICENSE-MIT',
      'package/README.md',
      'package/dist/THIRD-PARTY-LICENSES.txt',
      'package/package.json',
    ]);
    const installed = join(user.path, 'node_modules/d-engine');
    for (const file of files.filter((name) => /\.[cm]?[jt]s$/.test(name))) {
      const text = readFileSync(join(installed, file.replace(/^package\//, '')), 'utf8');
      expect(text, file).not.toMatch(/(from |require\()["']@d-engine\//);
    }
  });

  test('has no findings of publint', async () => {
    const bytes = readFileSync(user.tarball);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test('has types for every way of finding modules, as attw sees them', async () => {
    const data = createPackageFromTarballData(new Uint8Array(readFileSync(user.tarball)));
    const analysis = await checkPackage(data);
    expect(analysis).toMatchObject({ types: { kind: 'included' }, problems: [] });
  });
});

describe.each(['host', 'worker'])('the packed package, with the engine on the %s', (thread) => {
  test('works from ES modules', () => {
    user.write('main.mjs', esm);
    expect(user.run('node', ['main.mjs', thread])).toBe('value true function\n');
  });

  test('works from CommonJS', () => {
    user.write('main.cjs', commonJs);
    expect(user.run('node', ['main.cjs', thread])).toBe('value true function\n');
  });
});

const typed = `
import { EmbeddedEngine, type LeaderInfo, type Membership } from 'd-engine';
import { connect, DEngineError, type KeyValue } from 'd-engine/client';
import type { StateMachine } from 'd-engine/storage';
import { startTestCluster, type TestCluster } from 'd-engine/testing';

export async function main(dataDir: string): Promise<string> {
  await using engine = await EmbeddedEngine.start({ dataDir, thread: 'host' });
  const leader: LeaderInfo = await engine.waitReady({ timeoutMs: 10_000 });
  const entry: KeyValue | null = await engine.client().get('key', { consistency: 'lease' });
  for await (const { members } of engine.watchMembership() as AsyncIterable<Membership>) {
    return members.map(({ id }) => id).join() + leader.term + String(entry?.version);
  }
  const client = connect({ endpoints: ['127.0.0.1:9081'] });
  await client.close();
  throw new DEngineError('General', 'never');
}
export const cluster = (): Promise<TestCluster> => startTestCluster({ nodes: 3 });
export type Machine = Pick<StateMachine, 'appliedIndex'>;
`;

/** What each run takes is compiled at once: a run costs seconds. */
const resolutions: readonly { name: string; files: readonly string[]; flags: string }[] = [
  { name: 'bundler', files: ['typed.ts'], flags: '--module esnext --moduleResolution bundler' },
  {
    name: 'node10',
    files: ['typed.ts'],
    flags: '--module commonjs --moduleResolution node10 --ignoreDeprecations 6.0',
  },
  {
    name: 'nodenext, ES modules and CommonJS',
    files: ['typed.mts', 'typed.cts'],
    flags: '--module nodenext',
  },
];

describe('the strictest compiler, which looks into our types too', () => {
  const strict =
    '--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --noImplicitOverride ' +
    '--noPropertyAccessFromIndexSignature --skipLibCheck false --types node --target es2022 ' +
    '--lib es2023,esnext.disposable --outDir out';
  const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc');

  test.each(resolutions)('takes the package: $name', ({ files, flags }) => {
    for (const file of files) user.write(file, typed);
    const args = [...strict.split(' '), ...flags.split(' '), ...files];
    expect(user.run('node', [compiler, ...args])).toBe('');
  });

  test('and `await using` stops the engine on a Node that does not know it', () => {
    user.write(
      'run.mjs',
      `import { EmbeddedEngine } from 'd-engine';
       import { mkdtempSync } from 'node:fs';
       import { main } from './out/typed.mjs';
       const dataDir = mkdtempSync('data-');
       const said = await main(dataDir);
       const next = await EmbeddedEngine.start({ dataDir });
       await next.stop();
       console.log(said);`,
    );
    expect(user.run('node', ['run.mjs'])).toBe('11undefined\n');
  });
});

const tested = `
  const dataDir = mkdtempSync(join(tmpdir(), 'd-engine-tested-'));
  const engine = await EmbeddedEngine.start({ dataDir });
  const { revision } = await engine.client().put('key', 'value');
  expect((await engine.client().get('key'))?.modRevision).toBe(revision);
  await engine.stop();
  rmSync(dataDir, { recursive: true });
`;
const testImports = imports
  .slice(0, 4)
  .map(([names, from]) => `import { ${names} } from '${from}';\n`)
  .join('');

const engineTest = `${testImports}test('engine', async () => {${tested}});\n`;

test('a test of a user runs under vitest', () => {
  user.write('vitest/engine.test.ts', `import { expect, test } from 'vitest';\n${engineTest}`);
  user.write('vitest/node_modules/.keep', '');
  const vitest = join(repositoryRoot, 'node_modules/vitest/vitest.mjs');
  const root = join(user.path, 'vitest');
  execFileSync('ln', [
    '-sfn',
    join(repositoryRoot, 'node_modules/vitest'),
    `${root}/node_modules/vitest`,
  ]);
  expect(user.run('node', [vitest, 'run', '--root', root])).toMatch(/1 passed/);
});

test('a test of a user runs under Jest, compiled to CommonJS by ts-jest', (context) => {
  const jestUser = join(repositoryRoot, 'tools/jest-user');
  const jest = join(jestUser, 'node_modules/jest/bin/jest.js');
  if (!existsSync(jest)) {
    const { status } = spawnSync('npm', ['ci', '--silent'], { cwd: jestUser });
    if (status !== 0 || !existsSync(jest)) return context.skip('not run: jest missing');
  }
  const transformer = join(jestUser, 'node_modules/ts-jest');
  const tsconfig = {
    module: 'commonjs',
    moduleResolution: 'node10',
    target: 'es2022',
    strict: true,
  };
  const compilerOptions = { ...tsconfig, types: ['node'], esModuleInterop: true };
  user.write(
    'jest/jest.config.json',
    JSON.stringify({
      testEnvironment: 'node',
      transform: { '\\.ts$': [transformer, { tsconfig: compilerOptions }] },
    }),
  );
  const globals =
    'declare const test: (name: string, run: () => Promise<void>) => void;\n' +
    'declare const expect: (value: unknown) => { toBe(other: unknown): void };\n';
  user.write('jest/engine.test.ts', `${globals}${engineTest}`);
  const run = spawnSync('node', [jest, '--rootDir', join(user.path, 'jest')], {
    cwd: join(user.path, 'jest'),
    encoding: 'utf8',
  });
  expect(run.stderr).toMatch(/1 passed/);
  expect(run.status).toBe(0);
});
