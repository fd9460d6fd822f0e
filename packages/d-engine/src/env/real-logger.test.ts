import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { FileLogger } from './real-logger.ts';

const root = mkdtempSync(join(tmpdir(), 'd-engine-log-'));
let files = 0;
const start = /^---- started \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z pid=\d+ ----$/;

afterAll(() => rmSync(root, { recursive: true, force: true }));

function newPath(): string {
  files += 1;
  return join(root, 'logs', String(files), 'd.log');
}

/** Lines without their times. */
function lines(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, ''));
}

describe('a line', () => {
  it('has level, message and fields, and no other newline', async () => {
    const path = newPath();
    const echoed: string[] = [];
    const logger = new FileLogger({ path, level: 'info', echo: (text) => echoed.push(text) });
    logger.info('plain');
    logger.warn('fields', { node: 2, ok: true, none: null, gone: undefined, address: 'a:1' });
    logger.warn('text', { a: 'two words', b: 'a"b', c: 'x\ny', d: '', e: 'k=v', f: '\u001b[31m' });
    logger.info('a\nmessage\r\u2028');
    await Promise.resolve();
    const expected = [
      'INFO plain',
      'WARN fields node=2 ok=true none=null address=a:1',
      'WARN text a="two words" b="a\\"b" c="x\\ny" d="" e="k=v" f="\\u001b[31m"',
      'INFO a\\nmessage\\u000d\\u2028',
    ];
    const found = lines(path);
    expect(found[0]).toMatch(start);
    expect(found.slice(1)).toEqual(expected);
    expect(readFileSync(path, 'utf8').endsWith(echoed.join(''))).toBe(true);
    expect(echoed).toHaveLength(1);
    logger.close();
  });

  it('is left out below the level, except by `always`', () => {
    const path = newPath();
    const logger = new FileLogger({ path, level: 'error' });
    expect(logger.enabled('warn')).toBe(false);
    expect(logger.enabled('error')).toBe(true);
    logger.trace('no');
    logger.debug('no');
    logger.info('no');
    logger.warn('no');
    logger.error('yes');
    logger.always('Became leader', { node: 2, term: 3 });
    expect(lines(path).slice(1)).toEqual(['ERROR yes', 'INFO Became leader node=2 term=3']);
    logger.close();
  });

  it('comes in order, debug ones within 100 ms or when closed', async () => {
    const path = newPath();
    const logger = new FileLogger({ path, level: 'trace' });
    logger.debug('first');
    logger.always('second');
    logger.trace('third');
    expect(lines(path).slice(1)).toEqual(['DEBUG first', 'INFO second']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(lines(path).slice(3)).toEqual(['TRACE third']);
    logger.debug('last');
    logger.close();
    logger.error('too late');
    expect(lines(path).slice(4)).toEqual(['DEBUG last']);
  });
});

describe('the file', () => {
  it('is appended to, and a cut line ended', () => {
    const path = newPath();
    new FileLogger({ path, level: 'info' }).close();
    appendFileSync(path, 'cut by a cra');
    new FileLogger({ path, level: 'info' }).close();
    const found = lines(path);
    expect(found).toHaveLength(3);
    expect(found[1]).toBe('cut by a cra');
    expect(found[2]).toMatch(start);
  });

  it('is opened anew on demand', () => {
    const path = newPath();
    const logger = new FileLogger({ path, level: 'info' });
    logger.info('old');
    renameSync(path, `${path}.1`);
    logger.always('still old');
    logger.reopen();
    logger.always('new');
    logger.close();
    logger.reopen();
    expect(lines(`${path}.1`).slice(1)).toEqual(['INFO old', 'INFO still old']);
    expect(lines(path)).toEqual(['INFO new']);
  });

  it('may be impossible to open: callers do not notice', async () => {
    const path = newPath();
    writeFileSync(join(root, 'logs', 'blocked'), '');
    const blocked = join(root, 'logs', 'blocked', 'd.log');
    const echoed: string[] = [];
    const echo = (text: string): void => {
      echoed.push(text);
      throw new Error('the host fails as well');
    };
    const logger = new FileLogger({ path: blocked, level: 'info', echo });
    logger.info('one');
    await Promise.resolve();
    expect(echoed.join('')).toContain('log file cannot be written');
    expect(logger.dropped).toBe(2);
    rmSync(join(root, 'logs', 'blocked'));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    logger.always('two');
    expect(lines(blocked)[0]).toMatch(/^WARN log lines lost count=2 problem=".*"$/);
    expect(lines(blocked)[1]).toBe('INFO two');
    logger.close();
    expect(existsSync(path)).toBe(false);
  });

  it.runIf(existsSync('/dev/full'))('may be full: callers do not notice', () => {
    const logger = new FileLogger({ path: '/dev/full', level: 'info' });
    logger.error('one');
    logger.error('two');
    // These and the line that says that the file cannot be written.
    expect(logger.dropped).toBe(3);
    logger.close();
  });

  it('has every line of the turns before a SIGKILL', async () => {
    const path = newPath();
    const script = join(root, 'killed.mjs');
    const source = fileURLToPath(new URL('real-logger.ts', import.meta.url));
    await build({
      stdin: {
        contents: `import { FileLogger } from ${JSON.stringify(source)};
          const logger = new FileLogger({ path: process.argv[2], level: 'info' });
          for (let at = 0; at < 100; at += 1) logger.info('line', { at });
          queueMicrotask(() => process.kill(process.pid, 'SIGKILL'));`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      outfile: script,
      bundle: true,
      format: 'esm',
      platform: 'node',
    });
    const child = spawn(process.execPath, [script, path], { stdio: 'ignore' });
    const signal = await new Promise((resolve) => child.once('exit', (_, name) => resolve(name)));
    expect(signal).toBe('SIGKILL');
    expect(lines(path)).toHaveLength(101);
  });
});
