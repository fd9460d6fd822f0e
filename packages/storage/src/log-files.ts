import type { Disk, InstanceId } from '@d-engine/base';

/** Where the files of a log are, and whose they are. */
export interface LogFiles {
  readonly disk: Disk;
  readonly directory: string;
  /** The instance id of the data directory, 32 hex digits: ties every file and record to it. */
  readonly owner: InstanceId;
}
