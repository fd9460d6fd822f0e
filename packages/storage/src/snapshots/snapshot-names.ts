import type { LogIndex, Term } from '@d-engine/base';

/** What names a snapshot in its directory. */
export interface SnapshotName {
  readonly name: string;
  readonly index: LogIndex;
  readonly term: Term;
}

/** Being made here when the process died: nothing ever counted on it. */
export const madeSuffix = '.tmp';
/** Being received when the process died. */
export const receivedSuffix = '.part';

/** `snapshot-<index>-<term>`, with the configured start. */
export function snapshotName(prefix: string, index: LogIndex, term: Term): string {
  return `${prefix}${index}-${term}`;
}

/** Complete snapshots, newest first, and names of what is incomplete; other names are others'. */
export function sortNames(
  names: readonly string[],
  prefix: string,
): { readonly complete: SnapshotName[]; readonly incomplete: string[] } {
  const complete: SnapshotName[] = [];
  const incomplete: string[] = [];
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const match = /^([1-9]\d{0,15})-([1-9]\d{0,15})(\.tmp|\.part)?$/.exec(
      name.slice(prefix.length),
    );
    if (match === null) continue;
    if (match[3] === undefined) {
      complete.push({ name, index: Number(match[1]), term: Number(match[2]) });
    } else incomplete.push(name);
  }
  complete.sort((left, right) => right.index - left.index || right.term - left.term);
  return { complete, incomplete };
}
