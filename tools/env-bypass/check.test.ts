import { describe, expect, it } from 'vitest';
import { checkEnvBypass } from './check.ts';
import { type Policy, policies } from './policy.ts';

function policyOf(directory: string): Policy {
  const policy = policies.find((candidate) => candidate.directory === directory);
  if (policy === undefined) throw new Error(`no policy for ${directory}`);
  return policy;
}

function check(text: string, directory = 'node'): string[] {
  const file = `packages/${directory}/src/planted.ts`;
  return checkEnvBypass([{ file, text, policy: policyOf(directory) }]).map(
    ({ line, message }) => `${line}: ${message}`,
  );
}

const bypasses: readonly string[] = [
  // Time.
  'Date.now();',
  'const d = new Date();',
  'const clock = Date;',
  'const clocks = { Date };',
  'const clocks = [Date];',
  'class Later extends Date {}',
  'const { now } = Date;',
  'const other = Map<string, number>; const late = Date<string>;',
  'performance.now();',
  "performance['now']();",
  'process.hrtime();',
  'process.hrtime.bigint();',
  "process['hrtime']();",
  'const { hrtime } = process;',
  'const p = process;',
  'process.uptime();',
  "import { hrtime } from 'node:process';",
  "import process from 'node:process';",
  "import { performance } from 'node:perf_hooks';",
  "import { performance as p } from 'perf_hooks';",
  'Temporal.Now.instant();',
  // Timers.
  'setTimeout(() => undefined, 1);',
  'const wait = setTimeout;',
  'const timers = { setTimeout };',
  'function run(later = setTimeout) { return later; }',
  'setInterval(() => undefined, 1);',
  'setImmediate(() => undefined);',
  'clearTimeout(undefined);',
  "import { setTimeout } from 'node:timers';",
  "import { setTimeout as sleep } from 'node:timers/promises';",
  "import { scheduler } from 'timers/promises';",
  'AbortSignal.timeout(5);',
  "AbortSignal['timeout'](5);",
  'const { timeout } = AbortSignal;',
  'const Signal = AbortSignal;',
  'const name = "timeout"; AbortSignal[name](5);',
  // Chance.
  'Math.random();',
  "Math['random']();",
  'Math?.random();',
  '(Math).random();',
  'const { random } = Math;',
  'const m = Math;',
  'const member = "random"; Math[member]();',
  "import { randomBytes } from 'node:crypto';",
  "import { randomUUID } from 'node:crypto';",
  "import { randomInt } from 'crypto';",
  "import { getRandomValues } from 'node:crypto';",
  "import { webcrypto } from 'node:crypto';",
  "import { createHash, randomBytes as bytes } from 'node:crypto';",
  "import * as crypto from 'node:crypto';",
  "import crypto from 'node:crypto';",
  "import 'node:crypto';",
  "export { randomBytes } from 'node:crypto';",
  "export * from 'node:crypto';",
  "export * as crypto from 'node:crypto';",
  'crypto.getRandomValues(new Uint8Array(1));',
  'crypto.randomUUID();',
  // The garbage collector.
  'new WeakRef({});',
  'new FinalizationRegistry(() => undefined);',
  // Work on other threads.
  "import { gzip } from 'node:zlib';",
  "import { createGzip } from 'node:zlib';",
  "import { deflate as deflateSync } from 'node:zlib';",
  "import zlib from 'node:zlib';",
  "import * as zlib from 'node:zlib';",
  'new CompressionStream("gzip");',
  'new MessageChannel();',
  'Atomics.wait(new Int32Array(1), 0, 0);',
  // The host.
  'const home = process.env.HOME;',
  "process['env'];",
  'const { env } = process;',
  'process.cwd();',
  "import { env } from 'node:process';",
  "import { hostname } from 'node:os';",
  "import { resolve } from 'node:path';",
  'import.meta.url;',
  '"a".localeCompare("b");',
  'new Intl.DateTimeFormat().format();',
  'console.log(1);',
  // Other names for globals, and code from text.
  'globalThis.Date.now();',
  "globalThis['setTimeout'];",
  'const g = globalThis;',
  'const { Date: Clock } = globalThis;',
  'global.setTimeout;',
  'eval("Date.now()");',
  '(0, eval)("1");',
  'new Function("return this")();',
  '(() => undefined).constructor("return this")();',
  'const Make = (() => undefined).constructor;',
  'const { constructor } = () => undefined;',
  'declare const Date: { now(): number }; Date.now();',
  'interface Date { x: number } const y = Date;',
  'type Date = number; new Date();',
  // Modules.
  "import fs = require('node:fs');",
  "const fs = require('node:fs');",
  "const fs = await import('node:fs');",
  'const fs = process.getBuiltinModule("fs");',
  "import type { Stats } from 'node:fs';",
  "type Stats = import('node:fs').Stats;",
  "export { readFile } from 'node:fs';",
  "import { createRequire } from 'node:module';",
  "import ms from 'ms';",
  "import { x } from '../../raft/src/x.ts';",
  "import { x } from '../test/x.ts';",
  "import { x } from './x.js';",
  "import { x } from './x.test.ts';",
  ...['fs', 'fs/promises', 'net', 'tls', 'http', 'https', 'http2', 'dns', 'dns/promises'].flatMap(
    (module) => [`import * as m from 'node:${module}';`, `import * as m from '${module}';`],
  ),
  ...['dgram', 'worker_threads', 'child_process', 'timers', 'perf_hooks', 'cluster', 'vm'].flatMap(
    (module) => [`import { x } from 'node:${module}';`, `import { x } from '${module}';`],
  ),
  "import sqlite from 'node:sqlite';",
  // Everything else that the lists name.
  'new PerformanceObserver(f);',
  'clearImmediate(x); ',
  'clearInterval(x);',
  'scheduler.wait(1);',
  'new Crypto();',
  'gc();',
  'new EventSource(url);',
  'new WebSocket(url);',
  'new XMLHttpRequest();',
  'fetch(url);',
  'new Blob([]);',
  'new BroadcastChannel("x");',
  'new File([], "x");',
  'new DecompressionStream("gzip");',
  'x instanceof MessagePort;',
  'WebAssembly.compile(x);',
  'new Worker(url);',
  'self.setTimeout;',
  'window.setTimeout;',
  'module.require("fs");',
  'localStorage.x;',
  'navigator.hardwareConcurrency;',
  'sessionStorage.x;',
  'f(__dirname);',
  'f(__filename);',
  ...['toLocaleDateString', 'toLocaleLowerCase', 'toLocaleString', 'toLocaleTimeString'].map(
    (name) => `value.${name}();`,
  ),
  "value['toLocaleUpperCase']();",
  'const { toLocaleString: text } = value;',
  'loader.getBuiltinModule("fs");',
];

const harmless: readonly string[] = [
  'Math.max(1, 2); Math["floor"](1.5);',
  'function wait(signal: AbortSignal) { return signal instanceof AbortSignal; }',
  'AbortSignal.any([]); new AbortController();',
  'let x: Date; let y: typeof setTimeout; let z: Map<string, WeakRef<object>>;',
  'interface Later extends Date {} class C implements Date {}',
  'queueMicrotask(() => undefined); process.nextTick(() => undefined);',
  'const performance = { now: () => 1 }; performance.now();',
  'function f(crypto: { id: number }, window: number) { return crypto.id + window; }',
  'class File { open() { return new File(); } }',
  'const env = { Date: 1, setTimeout: 2 }; env.Date; env.setTimeout; const { Date: d } = env;',
  'class Clock { Date = 1; setTimeout() {} get performance() { return 1; } }',
  "import { Date } from './calendar.ts'; Date.now();",
  "import { createHash } from 'node:crypto';",
  "import { type BinaryLike, createHash as hash } from 'node:crypto';",
  "import { crc32, gzipSync, inflateRawSync, constants } from 'node:zlib';",
  "import type { Gzip } from 'node:zlib';",
  "import { Buffer } from 'node:buffer'; import { EventEmitter } from 'node:events';",
  "import { join } from 'node:path'; import assert from 'node:assert';",
  "import { channel } from 'node:diagnostics_channel'; import { URL } from 'node:url';",
  "import { StringDecoder } from 'node:string_decoder'; import { inspect } from 'node:util';",
  "import { x } from '@d-engine/base'; export { y } from './y.ts';",
  'const error = new Error("x"); error.constructor.name;',
  'class C { constructor() {} }',
  'declare const brand: unique symbol; type Id = number & { [brand]: true };',
  'Date: for (;;) { break Date; }',
];

describe('what goes past Env', () => {
  it.each(bypasses)('is reported: %s', (text) => {
    expect(check(text)).not.toEqual([]);
  });

  it.each(harmless)('is told from what does not: %s', (text) => {
    expect(check(text)).toEqual([]);
  });

  it('is reported with its line, once', () => {
    expect(check('const a = 1;\n\nconst b = Date.now();\n')).toEqual([
      '3: Date: time comes from `env.clock`',
    ]);
  });

  it('is reported in every package that is replayed', () => {
    const directories = ['base', 'raft', 'storage', 'wire', 'node', 'client', 'virtual-env'];
    expect(policies.map(({ directory }) => directory)).toEqual(directories);
    for (const directory of directories) {
      expect(check('Date.now(); Math.random();', directory)).toHaveLength(2);
    }
  });
});

describe('the stricter packages', () => {
  it('raft and base may import no Node module', () => {
    expect(check("import { crc32 } from 'node:zlib';", 'raft')).toHaveLength(1);
    expect(check("import type { Buffer } from 'node:buffer';", 'raft')).toHaveLength(1);
    expect(check("import { crc32 } from 'node:zlib';", 'base')).toHaveLength(1);
    expect(check("import { Buffer } from 'node:buffer';", 'base')).toHaveLength(1);
    expect(check("import type { Buffer } from 'node:buffer';", 'base')).toEqual([]);
    expect(check("import { type Buffer } from 'node:buffer';", 'base')).toEqual([]);
  });

  it.each([
    'async function f() {}',
    'const f = async () => undefined;',
    'class C { async run() {} }',
    'await f();',
    'for await (const x of xs) {}',
    'let p: Promise<void>;',
    'Promise.resolve();',
    'let i: AsyncIterable<number>;',
    'let i: AsyncIterableIterator<number>;',
    'let i: AsyncIterator<number>;',
    'let g: AsyncGenerator<number>;',
    'let p: PromiseLike<void>;',
    'queueMicrotask(() => undefined);',
  ])('raft never waits: %s', (text) => {
    expect(check(text, 'raft')).not.toEqual([]);
    expect(check(text, 'node')).toEqual([]);
  });

  it('virtual-env may take a real turn, nothing more', () => {
    expect(check('setImmediate(() => undefined);', 'virtual-env')).toEqual([]);
    expect(check('setTimeout(() => undefined, 0);', 'virtual-env')).toHaveLength(1);
  });
});
