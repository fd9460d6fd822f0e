import type { Entry, LogIndex, NodeId, Proposal, Term } from '@d-engine/base';
import { encodeEntries, entryKinds } from '@d-engine/base';
import { instanceIdOf, newIdOf } from './names.ts';
import type { Bootstrap, HardState, Member } from './raft-under-test.ts';
import { encodeBootstrap } from './raft-under-test.ts';
import { ScriptError } from './script.ts';

/** What a formed cluster's disk holds when a script begins. */
export interface InitialDisk {
  readonly members: readonly Member[];
  /** The term of each entry from index 1, which is the bootstrap entry. */
  readonly log: readonly Term[];
  readonly term: Term | undefined;
  readonly votedFor: NodeId | undefined;
  readonly commitIndex: LogIndex | undefined;
  readonly stickinessMs: number;
}

export interface DiskContent {
  readonly hardState: HardState | undefined;
  readonly entries: Entry[];
  readonly commitIndex: LogIndex;
}

export function initialContent(disk: InitialDisk): DiskContent {
  const lastTerm = disk.log.at(-1) ?? 0;
  const term = disk.term ?? lastTerm;
  if (term < lastTerm) throw new ScriptError(`term ${term} is below the log's ${lastTerm}`);
  const { votedFor, stickinessMs } = disk;
  const vote =
    votedFor === undefined ? null : { nodeId: votedFor, instanceId: instanceIdOf(votedFor, 1) };
  const commitIndex = disk.commitIndex ?? disk.log.length;
  return {
    hardState: { term, votedFor: vote, stickinessMs },
    entries: initialEntries(disk),
    commitIndex: Math.min(commitIndex, disk.log.length),
  };
}

/** The bootstrap entry, then a no-op where a term begins and empty commands elsewhere. */
function initialEntries({ members, log }: InitialDisk): Entry[] {
  let before: Term = 0;
  return log.flatMap((term, position) => {
    if (term < before) throw new ScriptError('terms of a log never fall');
    const kind = term === before ? entryKinds.command : entryKinds.noop;
    const proposal: Proposal =
      position === 0 ? bootstrap(members) : { kind, payload: new Uint8Array(0) };
    before = term;
    return encodeEntries([proposal], position + 1, term, 0);
  });
}

function bootstrap(members: readonly Member[]): Proposal {
  const content: Bootstrap = {
    clusterId: newIdOf(0, 1),
    historyId: newIdOf(0, 2),
    formedAtWallMs: 0,
    members,
    bindings: members
      .filter(({ role }) => role === 'voter')
      .map(({ id }) => ({ nodeId: id, instanceId: instanceIdOf(id, 1) })),
  };
  return { kind: entryKinds.bootstrap, payload: encodeBootstrap(content) };
}
