import type { Strategies } from './draw-persistence.ts';
import { strategies } from './draw-persistence.ts';
import { durationMsDefault } from './draw-scenario.ts';
import type { Preset, Transport } from './scenario.ts';
import { presets, transports } from './scenario.ts';

/** What the command line says. */
export interface Flags {
  readonly seed: number | undefined;
  readonly trace: boolean;
  /** That the run of the seed should have. */
  readonly fingerprint: string | undefined;
  /** At most so many. */
  readonly runs: number;
  readonly minutes: number | undefined;
  readonly first: number;
  /** From one seed to the next: the jobs of one command share the seeds out that way. */
  readonly stride: number;
  readonly durationMs: number;
  /** Members of every cluster; drawn by the seed when undefined. */
  readonly nodes: number | undefined;
  readonly preset: Preset;
  /** Of every run; drawn by the seed when undefined. */
  readonly transport: Transport | undefined;
  /** Of every run; drawn by the seed when undefined. */
  readonly strategy: Strategies | undefined;
  readonly stopAtFirst: boolean;
  /** Runs that prove too little are a failure. */
  readonly strict: boolean;
  readonly jobs: number;
  /** Prints each report as a line of JSON, for the process that started this one. */
  readonly json: boolean;
}

export const usage: string =
  'npm run simulate -- [--seed N [--trace] [--fingerprint F]] [--runs K] [--minutes M] ' +
  '[--first N] [--nodes N] [--duration-ms T] [--preset NAME] [--transport messages|bytes] ' +
  '[--strategy DiskFirst|MemFirst|mixed] [--stop-at-first] [--strict] [--jobs J]';

const known = [
  '--seed',
  '--fingerprint',
  '--runs',
  '--minutes',
  '--first',
  '--stride',
  '--duration-ms',
  '--nodes',
  '--preset',
  '--transport',
  '--strategy',
  '--jobs',
];
const switches = ['--trace', '--stop-at-first', '--strict', '--json'];

/** Throws an Error that says what is wrong. */
export function parseFlags(words: readonly string[]): Flags {
  const values = new Map<string, string>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (switches.includes(word)) values.set(word, 'yes');
    else if (known.includes(word)) values.set(word, words[++index] ?? '');
    else throw new Error(`unknown option ${word}; usage: ${usage}`);
  }
  expectTogether(values);
  const number = (name: string, min = 1): number | undefined => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text !== '' && Number.isSafeInteger(value) && value >= min) return value;
    throw new Error(`${name} needs a number, whole and at least ${min}`);
  };
  const minutes = number('--minutes');
  return {
    seed: number('--seed', 0),
    trace: values.has('--trace'),
    fingerprint: values.get('--fingerprint'),
    runs: number('--runs') ?? (minutes === undefined ? 100 : Infinity),
    minutes,
    first: number('--first', 0) ?? Math.floor(Math.random() * 1e9),
    stride: number('--stride') ?? 1,
    durationMs: number('--duration-ms') ?? durationMsDefault,
    nodes: membersOf(number('--nodes', 0)),
    preset: oneOf('--preset', presets, values.get('--preset') ?? 'swarm'),
    transport: values.has('--transport')
      ? oneOf('--transport', transports, values.get('--transport') ?? '')
      : undefined,
    strategy: values.has('--strategy')
      ? oneOf('--strategy', strategies, values.get('--strategy') ?? '')
      : undefined,
    stopAtFirst: values.has('--stop-at-first'),
    strict: values.has('--strict'),
    jobs: number('--jobs') ?? 1,
    json: values.has('--json'),
  };
}

const ofManyRuns = [
  '--runs',
  '--minutes',
  '--first',
  '--stride',
  '--jobs',
  '--stop-at-first',
  '--strict',
];

/** Refuses flags of which one would silently do nothing. */
function expectTogether(values: ReadonlyMap<string, string>): void {
  const idle = values.has('--seed') ? ofManyRuns.filter((name) => values.has(name)) : [];
  if (idle.length > 0) throw new Error(`--seed plays one run: leave out ${idle.join(', ')}`);
  if (values.has('--fingerprint') && !values.has('--seed')) {
    throw new Error('--fingerprint is that of one run: it needs --seed');
  }
  if (values.has('--trace') && !values.has('--seed') && values.has('--jobs')) {
    throw new Error('--trace with --jobs would mix the lines of many runs: leave one out');
  }
  if (values.has('--nodes') && (values.get('--preset') ?? 'swarm') !== 'swarm') {
    throw new Error('--nodes goes with the swarm alone: other presets have three members');
  }
}

const membersMax = 7;

function membersOf(count: number | undefined): number | undefined {
  if (count === undefined || (Number.isInteger(count) && count >= 1 && count <= membersMax)) {
    return count;
  }
  throw new Error(`--nodes needs a number from 1 to ${membersMax}`);
}

function oneOf<Name extends string>(flag: string, names: readonly Name[], text: string): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`${flag} ${text}: there are ${names.join(', ')}`);
}
