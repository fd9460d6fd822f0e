/**
 * What may not go past `Env`. One seed replays a whole cluster only while time, chance, disk and
 * network come from nowhere else, so these lists name what the language and Node offer besides.
 */

/** Names a module may be imported for: every one, only types, or those the pattern matches. */
export type ModuleUse = 'everything' | 'types only' | RegExp;

export interface Policy {
  /** Directory below `packages/`. */
  readonly directory: string;
  /** The Node modules that may be imported; any other one is reported. */
  readonly modules: ReadonlyMap<string, ModuleUse>;
  /** Globals of the banned list that this package may use, with the reason beside the entry. */
  readonly allowedGlobals: ReadonlySet<string>;
  /** True where not even a promise may appear: the algorithm does no I/O and never waits. */
  readonly synchronous: boolean;
}

/** Deterministic modules and names. A name that is not here needs a place in `Env` instead. */
const deterministicModules: ReadonlyMap<string, ModuleUse> = new Map<string, ModuleUse>([
  ['node:assert', 'everything'],
  ['node:buffer', /^(Buffer|constants|isAscii|isUtf8|kMaxLength)$/],
  // No random bytes, no key generation: chance comes from `env.random`.
  ['node:crypto', /^(createHash|createHmac|hash|hkdfSync|pbkdf2Sync|scryptSync|timingSafeEqual)$/],
  ['node:diagnostics_channel', 'everything'],
  ['node:events', /^(EventEmitter|errorMonitor)$/],
  // Not `resolve` and `relative`: they read the working directory.
  ['node:path', /^(basename|dirname|extname|isAbsolute|join|normalize|sep)$/],
  ['node:string_decoder', 'everything'],
  ['node:url', 'everything'],
  ['node:util', /^(format|inspect|isDeepStrictEqual|promisify|TextDecoder|TextEncoder|types)$/],
  // The asynchronous calls run on libuv's pool and finish in an order of their own.
  ['node:zlib', /^(constants|crc32|\w+Sync)$/],
]);

const none: ReadonlySet<string> = new Set();
const noModules: ReadonlyMap<string, ModuleUse> = new Map();

export const policies: readonly Policy[] = [
  {
    directory: 'base',
    modules: new Map<string, ModuleUse>([['node:buffer', 'types only']]),
    allowedGlobals: none,
    synchronous: false,
  },
  { directory: 'raft', modules: noModules, allowedGlobals: none, synchronous: true },
  {
    directory: 'storage',
    modules: deterministicModules,
    allowedGlobals: none,
    synchronous: false,
  },
  { directory: 'wire', modules: deterministicModules, allowedGlobals: none, synchronous: false },
  { directory: 'node', modules: deterministicModules, allowedGlobals: none, synchronous: false },
  { directory: 'client', modules: deterministicModules, allowedGlobals: none, synchronous: false },
  {
    directory: 'virtual-env',
    modules: deterministicModules,
    // Between two virtual events it lets every pending promise run: that takes a real turn.
    allowedGlobals: new Set(['setImmediate', 'clearImmediate']),
    synchronous: false,
  },
];

const clock = 'time comes from `env.clock`';
const timer = 'timers come from `env.clock`';
const chance = 'randomness comes from `env.random`';
const network = 'the network is `env.network`';
const collector = 'its behaviour depends on the garbage collector';
const threads = 'other threads finish in an order of their own; use `env.compute`';
const alias = 'it reaches every other global by another name';
const host = 'the host is not the same in a replay; hand the value in';
const locale = 'it depends on the locale of the host';
const code = 'code made from text cannot be checked';

/** Globals that may not be named at all, as a value, under any alias. */
export const bannedGlobals: ReadonlyMap<string, string> = new Map([
  ['Date', clock],
  ['performance', clock],
  ['PerformanceObserver', clock],
  ['Temporal', clock],
  ['setTimeout', timer],
  ['setInterval', timer],
  ['setImmediate', timer],
  ['clearTimeout', timer],
  ['clearInterval', timer],
  ['clearImmediate', timer],
  ['scheduler', timer],
  ['crypto', chance],
  ['Crypto', chance],
  ['fetch', network],
  ['EventSource', network],
  ['WebSocket', network],
  ['XMLHttpRequest', network],
  ['WeakRef', collector],
  ['FinalizationRegistry', collector],
  ['gc', collector],
  ['Atomics', threads],
  ['Blob', threads],
  ['BroadcastChannel', threads],
  ['CompressionStream', threads],
  ['DecompressionStream', threads],
  ['File', threads],
  ['MessageChannel', threads],
  ['MessagePort', threads],
  ['WebAssembly', threads],
  ['Worker', threads],
  ['global', alias],
  ['globalThis', alias],
  ['self', alias],
  ['window', alias],
  ['Function', code],
  ['eval', code],
  ['module', 'modules are imported by name'],
  ['require', 'modules are imported by name'],
  ['Intl', locale],
  ['console', 'log lines go to the Logger that was handed in'],
  ['localStorage', host],
  ['navigator', host],
  ['sessionStorage', host],
  ['__dirname', host],
  ['__filename', host],
]);

export interface GuardedGlobal {
  /** Members that may be used, or, with `except`, those that may not. */
  readonly only?: ReadonlySet<string>;
  readonly except?: ReadonlySet<string>;
  readonly reason: string;
}

/** Globals of which some members are fine: they may be named only as `Global.member`. */
export const guardedGlobals: ReadonlyMap<string, GuardedGlobal> = new Map<string, GuardedGlobal>([
  ['AbortSignal', { except: new Set(['timeout']), reason: timer }],
  ['Math', { except: new Set(['random']), reason: chance }],
  ['process', { only: new Set(['nextTick']), reason: host }],
]);

/** Members that are banned whatever they are called on. */
export const bannedMembers: ReadonlyMap<string, string> = new Map([
  ['getBuiltinModule', 'modules are imported by name'],
  ['localeCompare', locale],
  ['toLocaleDateString', locale],
  ['toLocaleLowerCase', locale],
  ['toLocaleString', locale],
  ['toLocaleTimeString', locale],
  ['toLocaleUpperCase', locale],
]);

/** What a package that never waits may not name, not even as a type. */
export const bannedWhenSynchronous: ReadonlySet<string> = new Set([
  'AsyncGenerator',
  'AsyncIterable',
  'AsyncIterableIterator',
  'AsyncIterator',
  'Promise',
  'PromiseLike',
  'queueMicrotask',
]);
