import { durationMsDefault } from './draw-scenario.ts';
import type { Preset } from './scenario.ts';
import { presets } from './scenario.ts';

/** What the command line says. */
export interface Flags {
  readonly seed: number | undefined;
  readonly trace: boolean;
  /** That the run of the seed should have. */
  readonly fingerprint: string | undefined;
  readonly runs: number;
  readonly minutes: number | undefined;
  readonly first: number;
  /** From one seed to the next: the jobs of one command share the seeds out that way. */
  readonly stride: number;
  readonly durationMs: number;
  /** Members of every cluster; drawn by the seed when undefined. */
  readonly nodes: number | undefined;
  readonly preset: Preset;
  readonly stopAtFirst: boolean;
  /** Runs that prove too little are a failure. */
  readonly strict: boolean;
  readonly jobs: number;
  /** Prints each report as a line of JSON, for the process that started this one. */
  readonly json: boolean;
}

export const usage: string =
  'npm run simulate -- [--seed N [--trace] [--fingerprint F]] [--runs K] [--minutes M] ' +
  '[--first N] [--nodes N] [--duration-ms T] [--preset NAME] [--stop-at-first] [--strict] ' +
  '[--jobs J]';

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
  const number = (name: string): number | undefined => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text !== '' && Number.isFinite(value) && value >= 0) return value;
    throw new Error(`${name} needs a number`);
  };
  const fingerprint = values.get('--fingerprint');
  if (fingerprint !== undefined && !values.has('--seed')) {
    throw new Error('--fingerprint is that of one run: it needs --seed');
  }
  return {
    seed: number('--seed'),
    trace: values.has('--trace'),
    fingerprint,
    runs: number('--runs') ?? 100,
    minutes: number('--minutes'),
    first: number('--first') ?? Math.floor(Math.random() * 1e9),
    stride: Math.max(1, number('--stride') ?? 1),
    durationMs: number('--duration-ms') ?? durationMsDefault,
    nodes: membersOf(number('--nodes')),
    preset: presetOf(values.get('--preset') ?? 'swarm'),
    stopAtFirst: values.has('--stop-at-first'),
    strict: values.has('--strict'),
    jobs: Math.max(1, number('--jobs') ?? 1),
    json: values.has('--json'),
  };
}

const membersMax = 7;

function membersOf(count: number | undefined): number | undefined {
  if (count === undefined || (Number.isInteger(count) && count >= 1 && count <= membersMax)) {
    return count;
  }
  throw new Error(`--nodes needs a number from 1 to ${membersMax}`);
}

function presetOf(name: string): Preset {
  const found = presets.find((preset) => preset === name);
  if (found !== undefined) return found;
  throw new Error(`preset ${name}: there are ${presets.join(', ')}`);
}
