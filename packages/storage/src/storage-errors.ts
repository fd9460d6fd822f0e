import type { LogIndex, NodeId, Term } from '@d-engine/base';

/**
 * Bytes that were reported durable are not what was written: a failing disk, or somebody changed
 * the file. The node refuses to start on it, because going on could forget what it promised.
 */
export class StorageDamage extends Error {
  override readonly name = 'StorageDamage';
  readonly file: string;
  /** Where in the file the damage starts. */
  readonly offset: number;
  readonly advice: string;

  constructor(damage: {
    readonly file: string;
    readonly offset: number;
    readonly reason: string;
    readonly advice?: string;
    readonly cause?: unknown;
  }) {
    const advice = damage.advice ?? replaceMemberAdvice;
    super(`${damage.file} is damaged at byte ${damage.offset}: ${damage.reason}. ${advice}`, {
      cause: damage.cause,
    });
    this.file = damage.file;
    this.offset = damage.offset;
    this.advice = advice;
  }
}

export const replaceMemberAdvice: string =
  'Do not repair or delete single files: this member may have acknowledged what is lost. Check ' +
  'the disk, keep a copy of the directory, and replace the member while the others hold a quorum.';

/** Written by a newer release, or by something else. */
export class UnsupportedFormat extends Error {
  override readonly name = 'UnsupportedFormat';
  readonly file: string;
  readonly version: number;

  /** `what` it has that is not known: the version of the file, unless told. */
  constructor(file: string, version: number, what: string = `format version ${version}`) {
    super(
      `${file} has ${what}, which this release does not know: start the release that wrote it, ` +
        'or a newer one.',
    );
    this.file = file;
    this.version = version;
  }
}

/** The directory was made by another node id. The process exits with status 2. */
export class DirectoryOfAnotherNode extends Error {
  override readonly name = 'DirectoryOfAnotherNode';
  readonly directory: string;
  readonly nodeId: NodeId;
  readonly foundNodeId: NodeId;

  constructor(directory: string, nodeId: NodeId, foundNodeId: NodeId) {
    super(
      `${directory} belongs to node ${foundNodeId}, not to node ${nodeId}: mend node_id or ` +
        'db_root_dir in the configuration. Every node needs a directory of its own.',
    );
    this.directory = directory;
    this.nodeId = nodeId;
    this.foundNodeId = foundNodeId;
  }
}

/** The state is made of the snapshot and the log: unlike them it can be lost and made again. */
export const rebuildAdvice: string =
  'Check the disk. The log and the snapshots are whole as far as this tells: remove this ' +
  'directory, and the member builds the state again from them.';

/** The state on disk is not one that this log leads to (design rule 10). */
export class StateBeyondLog extends Error {
  override readonly name = 'StateBeyondLog';

  constructor(place: {
    readonly stateIndex: LogIndex;
    readonly stateTerm: Term;
    readonly lastIndex: LogIndex;
    /** Of the log's entry at `stateIndex`; undefined: it has none. */
    readonly logTerm: Term | undefined;
  }) {
    const found =
      place.logTerm === undefined
        ? `the log ends at ${place.lastIndex}, and no snapshot goes further`
        : `the log has an entry of term ${place.logTerm} there`;
    super(
      `the state on disk is that of entry ${place.stateIndex} of term ${place.stateTerm}, but ` +
        `${found}: the log is not the one that this state was made from. ${replaceMemberAdvice}`,
    );
  }
}
