import type { InstanceId, Instant, LogIndex, NodeId } from '@d-engine/base';
import { must } from '@d-engine/base';
import { instanceIdOf, newIdOf } from './names.ts';
import type { EntriesWanted, RaftConfig } from './raft-under-test.ts';
import { Raft } from './raft-under-test.ts';
import { SimulatedDisk } from './simulated-disk.ts';

/** What a script may set; the rest of the config is the same everywhere. */
export type NodeSettings = Pick<
  RaftConfig,
  | 'initialMembers'
  | 'electionTimeoutMinMs'
  | 'electionTimeoutMaxMs'
  | 'heartbeatIntervalMs'
  | 'leaseDurationMs'
  | 'appendEntriesMax'
  | 'bufferedEntriesMax'
  | 'strategy'
>;

/** One member: a disk that outlives crashes and, while it runs, an instance of the class. */
export class SimulatedNode {
  readonly id: NodeId;
  settings: NodeSettings;
  disk: SimulatedDisk = new SimulatedDisk();
  raft: Raft | undefined;
  /** Rises with each start of this data directory. */
  bootCount = 0;
  /** Of the run record: an earlier run may have acknowledged what this log lacks. */
  mayLack = false;
  /** Which data directory this is: a wipe brings a new one. */
  directory = 1;
  applyMode: 'auto' | 'manual' = 'auto';
  readMode: 'auto' | 'manual' = 'auto';
  applied: LogIndex = 0;
  /** Up to where commits were shown. */
  commitShown: LogIndex = 0;
  /** Reads of old entries that the disk has not answered yet. */
  wanted: EntriesWanted[] = [];
  /** What `random` answers next; after them a number of the node's own, always the same. */
  randoms: number[] = [];
  #ids = 0;

  constructor(id: NodeId, settings: NodeSettings) {
    this.id = id;
    this.settings = settings;
  }

  get instanceId(): InstanceId {
    return instanceIdOf(this.id, this.directory);
  }

  get running(): Raft {
    return must(this.raft, `node ${this.id} is not running; its instance`);
  }

  start(at: Instant): void {
    this.bootCount += 1;
    const recovered = { ...this.disk.recovered(), recovering: this.mayLack };
    this.mayLack ||= this.settings.strategy === 'MemFirst';
    this.applied = recovered.snapshot?.index ?? 0;
    this.commitShown = Math.max(recovered.commitIndex, this.applied);
    this.wanted = [];
    const config: RaftConfig = {
      ...this.settings,
      nodeId: this.id,
      instanceId: this.instanceId,
      bootCount: this.bootCount,
      random: () => this.randoms.shift() ?? (this.id % 10) / 10,
      newId: () => newIdOf(this.id, ++this.#ids),
    };
    this.raft = new Raft(config, recovered, at);
    this.raft.applied(this.applied);
  }

  /** A clean stop: everything is on disk, and the run record says so. */
  stopCleanly(): void {
    this.mayLack = this.running.recovering;
    this.stop(this.disk.pending.length);
  }

  /** The process is gone; `kept` of the pending writes had made it to the platter. */
  stop(kept: number): void {
    this.raft = undefined;
    this.disk.crash(kept);
  }

  /** An empty data directory instead of the old one. */
  wipe(): void {
    this.directory += 1;
    this.bootCount = 0;
    this.mayLack = false;
    this.disk = new SimulatedDisk();
  }
}
