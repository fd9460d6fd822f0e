import { parseFlags } from './flags.ts';
import type { RunSettings } from './run-seed.ts';

/** A run that failed once: a line of `seeds.json`. */
export interface KeptSeed {
  readonly seed: number;
  /** With which it failed, as on the command line; empty: none. */
  readonly flags: string;
  readonly settings: RunSettings;
  readonly why: string;
}

/** Throws an Error that says which entry is wrong. */
export function readKeptSeeds(text: string): KeptSeed[] {
  return (JSON.parse(text) as readonly Readonly<Record<string, unknown>>[]).map(readKeptSeed);
}

function readKeptSeed(entry: Readonly<Record<string, unknown>>): KeptSeed {
  const { seed, flags = '', why, ...others } = entry;
  const isWhole = typeof seed === 'number' && typeof flags === 'string' && typeof why === 'string';
  if (!isWhole || Object.keys(others).length > 0) {
    throw new Error(`a kept seed has seed, why and maybe flags: ${JSON.stringify(entry)}`);
  }
  const words = flags.split(' ').filter((word) => word !== '');
  const { preset, nodes, transport, strategy, durationMs } = parseFlags(words);
  return { seed, flags, why, settings: { preset, nodes, transport, strategy, durationMs } };
}
