import { describeError } from '@d-engine/base';
import type { Preset } from './scenario.ts';
import { applyPreset, drawScenario, presets } from './scenario.ts';
import { simulate } from './simulate.ts';
import { formatReport, Summary } from './summary.ts';

// npm run simulate -- [--seed N [--trace]] [--runs K] [--minutes M] [--first N] [--duration-ms T]
// [--preset NAME] [--stop-at-first]

interface Flags {
  readonly seed: number | undefined;
  readonly trace: boolean;
  readonly runs: number;
  readonly minutes: number | undefined;
  readonly first: number;
  readonly durationMs: number;
  readonly preset: Preset;
  readonly stopAtFirst: boolean;
}

function parseFlags(words: readonly string[]): Flags {
  const values = new Map<string, string>();
  const known = ['--seed', '--runs', '--minutes', '--first', '--duration-ms', '--preset'];
  const switches = ['--trace', '--stop-at-first'];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (switches.includes(word)) values.set(word, 'yes');
    else if (known.includes(word)) values.set(word, words[++index] ?? '');
    else fail(`unknown option ${word}; known: ${[...known, ...switches].join(', ')}`);
  }
  const number = (name: string): number | undefined => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text === '' || !Number.isFinite(value) || value < 0) fail(`${name} needs a number`);
    return value;
  };
  return {
    seed: number('--seed'),
    trace: values.has('--trace'),
    runs: number('--runs') ?? 100,
    minutes: number('--minutes'),
    first: number('--first') ?? Math.floor(Math.random() * 1e9),
    durationMs: number('--duration-ms') ?? 60_000,
    preset: presetOf(values.get('--preset') ?? 'swarm'),
    stopAtFirst: values.has('--stop-at-first'),
  };
}

function presetOf(name: string): Preset {
  return presets.find((preset) => preset === name) ?? fail(`presets: ${presets.join(', ')}`);
}

function fail(message: string): never {
  process.stderr.write(`simulate: ${message}\n`);
  process.exit(2);
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(): Promise<number> {
  const flags = parseFlags(process.argv.slice(2));
  const summary = new Summary();
  const endAtMs = flags.minutes === undefined ? Infinity : Date.now() + flags.minutes * 60_000;
  const seeds = flags.seed === undefined ? undefined : [flags.seed];
  const runs = flags.minutes === undefined ? flags.runs : Infinity;
  for (let run = 0; run < (seeds?.length ?? runs) && Date.now() < endAtMs; run++) {
    const seed = seeds?.[run] ?? flags.first + run;
    const scenario = applyPreset(drawScenario(seed), flags.preset);
    const onLine = flags.trace ? { onLine: print } : {};
    const options = { durationMs: flags.durationMs, scenario, ...onLine };
    try {
      const report = await simulate(seed, options);
      summary.add(report);
      if (report.violations.length > 0 || seeds !== undefined) print(formatReport(report));
    } catch (error) {
      summary.addFailure(seed);
      print(`seed ${seed}: the run itself failed: ${describeError(error)}`);
      if (error instanceof Error) print(String(error.stack));
    }
    if (flags.stopAtFirst && summary.failed > 0) break;
  }
  for (const line of summary.lines()) print(line);
  return summary.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
