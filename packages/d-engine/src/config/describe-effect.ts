import { describeOrigin, type Origin } from './setting-node.ts';

/** The warning for a key that is accepted for the sake of old files only. */
export function describeDeadKey(key: string, reason: string | undefined, origin: Origin): string {
  const why = reason === undefined ? 'was never used' : `is not used here, as ${reason}`;
  return `config key ${key} is accepted but ${why}; remove it (${describeOrigin(origin)})`;
}

/** The warning for a key that a later version obeys. */
export function describeNotYet(key: string, origin: Origin): string {
  return `config key ${key} has no effect yet (${describeOrigin(origin)})`;
}

/** More keys of one file than this are named by their lines, in one warning for the log. */
const namedMax = 3;

/**
 * Warnings as the log gets them: a file in the original's full style would else begin each run
 * with a screen of {@link describeNotYet}, in which the warnings that matter drown.
 */
export function foldWarnings(
  warnings: readonly { readonly message: string; readonly bareNotYet?: Origin | undefined }[],
): string[] {
  const linesOf = new Map<string, number[]>();
  for (const { bareNotYet: origin } of warnings) {
    if (origin?.kind !== 'file') continue;
    linesOf.set(origin.file, [...(linesOf.get(origin.file) ?? []), origin.line]);
  }
  const told = new Set<string>();
  const folded: string[] = [];
  for (const { message, bareNotYet: origin } of warnings) {
    const lines = origin?.kind === 'file' ? (linesOf.get(origin.file) ?? []) : [];
    if (origin?.kind !== 'file' || lines.length <= namedMax) folded.push(message);
    else if (!told.has(origin.file)) {
      told.add(origin.file);
      folded.push(
        `${lines.length} config keys have no effect yet (${origin.file}, lines ` +
          `${describeLines(lines)}): see docs/configuration.md`,
      );
    }
  }
  return folded;
}

/** `3, 5-7`. */
function describeLines(lines: readonly number[]): string {
  const sorted = [...new Set(lines)].sort((left, right) => left - right);
  const runs: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] as number;
    let last = first;
    while (sorted[at + 1] === last + 1) {
      at += 1;
      last += 1;
    }
    at += 1;
    runs.push(first === last ? String(first) : `${first}-${last}`);
  }
  return runs.join(', ');
}
