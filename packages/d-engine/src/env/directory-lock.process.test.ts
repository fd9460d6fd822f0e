import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DiskError } from '@d-engine/base';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lockDirectory } from './directory-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'd-engine-lock-'));
const contender = join(root, 'contender.mjs');
const children: ChildProcess[] = [];

beforeAll(async () => {
  const source = fileURLToPath(new URL('directory-lock.ts', import.meta.url));
  await build({
    stdin: {
      contents: `import { lockDirectory } from ${JSON.stringify(source)};
        process.stdin.once('data', async () => {
          try {
            globalThis.lock = await lockDirectory(process.argv[2]);
            console.log('owner');
            setInterval(() => undefined, 1000);
          } catch (error) {
            console.log(error.kind ?? error.stack);
            process.exit(0);
          }
        });
        console.log('ready');`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    outfile: contender,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

let directories = 0;

function newDirectory(): string {
  directories += 1;
  const path = join(root, `d${directories}`);
  mkdirSync(path);
  return path;
}

interface Contender {
  readonly child: ChildProcess;
  /** The next line that it prints. */
  line(): Promise<string>;
  go(): void;
  kill(): Promise<void>;
}

async function startContender(directory: string): Promise<Contender> {
  const child = spawn(process.execPath, [contender, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((part) => part !== '')) {
      const next = waiting.shift();
      if (next === undefined) lines.push(line);
      else next(line);
    }
  });
  const line = (): Promise<string> =>
    new Promise((resolve) => {
      const known = lines.shift();
      if (known === undefined) waiting.push(resolve);
      else resolve(known);
    });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  expect(await line()).toBe('ready');
  return {
    child,
    line,
    go: () => child.stdin.write('go\n'),
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

async function refusal(directory: string): Promise<DiskError> {
  const error: unknown = await lockDirectory(directory).then(
    () => 'locked',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DiskError);
  return error as DiskError;
}

describe('a directory that processes share', () => {
  it('is free right after a SIGKILL of its owner', async () => {
    const directory = newDirectory();
    for (let round = 0; round < 3; round += 1) {
      const owner = await startContender(directory);
      owner.go();
      expect(await owner.line()).toBe('owner');
      const error = await refusal(directory);
      expect(error.message).toContain(`process ${owner.child.pid}.`);
      await owner.kill();
      expect(readdirSync(directory)).toEqual(['lock']);
      await (await lockDirectory(directory)).release();
    }
  });

  it('counts an owner that is stopped as one', async () => {
    const directory = newDirectory();
    const owner = await startContender(directory);
    owner.go();
    await owner.line();
    owner.child.kill('SIGSTOP');
    expect((await refusal(directory)).message).toContain('another process');
  });

  it('goes to exactly one of 20 that find a stale socket', async () => {
    const directory = newDirectory();
    for (let round = 0; round < 2; round += 1) {
      const contenders = await Promise.all(
        Array.from({ length: 20 }, () => startContender(directory)),
      );
      if (round === 0) {
        const first = await startContender(directory);
        first.go();
        expect(await first.line()).toBe('owner');
        await first.kill();
      }
      for (const one of contenders) one.go();
      const answers = await Promise.all(contenders.map((one) => one.line()));
      const expected = [...Array.from({ length: 19 }, () => 'inUse'), 'owner'];
      expect(answers.sort()).toEqual(expected);
      expect((await refusal(directory)).kind).toBe('inUse');
      await Promise.all(contenders.map((one) => one.kill()));
    }
  });
});
