import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckName } from '../src/violation.ts';
import { plantedBugs } from './catalogue.ts';

/** Where a planted bug was met first. The seed is a hint: it changes with the code. */
export interface Found {
  readonly seed: number;
  readonly check: CheckName;
  /** Runs of the default swarm, from seed 1 on, up to and with this one. */
  readonly runs: number;
}

const path = 'packages/simulator/planted/found.json';

/** By the name of the bug. */
export function readFound(root: string): ReadonlyMap<string, Found> {
  const file = join(root, path);
  if (!existsSync(file)) return new Map();
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Found>));
}

/** Replaces what is known of one bug; undefined: it was not found. */
export function recordFound(root: string, name: string, found: Found | undefined): void {
  const known = new Map(readFound(root));
  known.delete(name);
  if (found !== undefined) known.set(name, found);
  const inOrder: Record<string, Found> = {};
  for (const bug of plantedBugs) {
    const each = known.get(bug.name);
    if (each !== undefined) inOrder[bug.name] = each;
  }
  writeFileSync(join(root, path), `${JSON.stringify(inOrder, null, 2)}\n`);
}
