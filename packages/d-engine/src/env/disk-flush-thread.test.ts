import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Format } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { FlushThread } from './disk-flush-thread.ts';
import { threadReady } from './disk-thread-source.ts';

const root = mkdtempSync(join(tmpdir(), 'd-engine-flush-'));
const path = join(root, 'file');
const fd = openSync(path, 'w+');
const name = 'test flush';
const chunks = [Buffer.from('ab'), Buffer.from('c')];

afterAll(() => {
  closeSync(fd);
  rmSync(root, { recursive: true, force: true });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    expect(performance.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a thread', () => {
  it.each([
    ['throws', "throw new Error('no')"],
    ['is no program', 'this is no program'],
    ['leaves', 'process.exit(3)'],
  ])('that %s at its start is replaced by the pool', async (_, source) => {
    const thread = new FlushThread({ name, source });
    for (const position of [0, 10, 20]) {
      await thread.flush(fd, position, chunks);
      expect(readFileSync(path, 'utf8').slice(position, position + 3)).toBe('abc');
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(thread.isRunning).toBe(false);
    }
    await thread.close();
  });

  it('that dies fails what it had in hand, and later flushes work', async () => {
    const source = `const { parentPort } = require('node:worker_threads');
      parentPort.on('message', () => process.exit(1));
      parentPort.postMessage(${threadReady});`;
    const thread = new FlushThread({ name, source });
    await thread.flush(fd, 0, chunks);
    await until(() => thread.isRunning);
    const flushes = [thread.flush(fd, 0, chunks), thread.flush(fd, 0, [])];
    for (const result of await Promise.allSettled(flushes)) {
      expect(result).toMatchObject({ status: 'rejected' });
    }
    expect(thread.isRunning).toBe(false);
    await thread.flush(fd, 30, chunks);
    expect(readFileSync(path, 'utf8').slice(30)).toBe('abc');
  });

  it('keeps no memory of batches that are larger than its own', async () => {
    const large = [Buffer.alloc(3 * 1024 * 1024, 'x'), Buffer.from('end')];
    const thread = new FlushThread({ name });
    await thread.flush(fd, 0, chunks);
    await until(() => thread.isRunning);
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 100; round++) await thread.flush(fd, 0, large);
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 * 1024);
    expect(readFileSync(path, 'latin1').slice(3 * 1024 * 1024)).toBe('end');
    expect(thread.isRunning).toBe(true);
    await thread.close();
  });

  it('names the system error', async () => {
    const readOnly = openSync(path, 'r');
    const thread = new FlushThread({ name });
    await thread.flush(fd, 0, chunks);
    await until(() => thread.isRunning);
    await expect(thread.flush(readOnly, 0, chunks)).rejects.toMatchObject({ code: 'EBADF' });
    await thread.flush(fd, 0, chunks);
    closeSync(readOnly);
    await thread.close();
    await thread.close();
  });
});

describe.each<Format>(['esm', 'cjs'])('bundled as %s', (format) => {
  it('works, finishes what is in flight and does not keep the process', async () => {
    const source = fileURLToPath(new URL('disk-flush-thread.ts', import.meta.url));
    const extension = format === 'esm' ? 'mjs' : 'cjs';
    const script = join(root, `host.${extension}`);
    const output = join(root, `output-${format}`);
    writeFileSync(output, '');
    await build({
      stdin: {
        contents: `import { FlushThread } from ${JSON.stringify(source)};
          import { openSync } from 'node:fs';
          const fd = openSync(process.argv[2], 'r+');
          const thread = new FlushThread({ name: 'x' });
          const turn = () => {
            if (!thread.isRunning) return setTimeout(turn, 5);
            thread.flush(fd, 0, [Buffer.from('done')])
              .then(() => thread.flush(fd, 4, [Buffer.from('!')]));
          };
          thread.flush(fd, 0, [Buffer.from('?')]).then(turn);`,
        resolveDir: root,
      },
      outfile: script,
      bundle: true,
      minify: true,
      format,
      platform: 'node',
      target: 'node20',
    });
    const child = spawn(process.execPath, [script, output], { stdio: 'inherit' });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(0);
    expect(readFileSync(output, 'utf8')).toBe('done!');
  });
});
