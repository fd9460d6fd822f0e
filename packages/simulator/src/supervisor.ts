import type { NodeId } from '@d-engine/base';
import { assert, DEngineError, DiskError, describeError } from '@d-engine/base';
import { StorageDamage } from '@d-engine/storage';
import type { SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import type { CounterName, Counters } from './counters.ts';
import { logFiles } from './log-files.ts';
import type { CheckName } from './violation.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

/** Of a supervisor that has nothing else to do. */
export const restartMs = 100;
/** Recovery of a small directory takes some milliseconds: a crash in it must come soon. */
const recoveryMs = [1, 5, 20] as const;

/** Bytes of a file that went bad while nobody looked. */
export interface Damage {
  readonly path: string;
  readonly position: number;
  readonly length: number;
}

/** Who was asked to stop, and what to tell of it. */
interface Asked {
  readonly life: number | undefined;
  readonly onStopped: () => void;
}

/** Starts members again, whatever they went down of, and judges what they went down of. */
export class Supervisor {
  readonly #world: VirtualWorld;
  readonly #cluster: VirtualCluster;
  readonly #counters: Counters;
  readonly #random: SeededRandom;
  readonly #restartMsMax: number;
  readonly #recoveryCrashShare: number;
  readonly #entryBytesMax: number;
  readonly #violated: (check: CheckName, text: string) => void;
  /** By member that is down: the number of its outage, so that only one restart follows each. */
  readonly #down = new Map<NodeId, number>();
  #outages = 0;
  /** Logs with bad bytes: their members must refuse to start. */
  readonly #damaged = new Map<NodeId, Damage>();
  /** Members of which one copy of the vote went bad, and that were not up since. */
  readonly #spoiltVotes = new Set<NodeId>();
  readonly #keptOut = new Set<NodeId>();
  /** By member: the process of it that was asked to stop last, and the one that came up last. */
  readonly #asked = new Map<NodeId, Asked>();
  readonly #cameUp = new Map<NodeId, number | undefined>();
  #calm = false;

  constructor(options: {
    world: VirtualWorld;
    cluster: VirtualCluster;
    counters: Counters;
    restartMsMax: number;
    recoveryCrashShare: number;
    /** More than one entry takes in the log with its header. */
    entryBytesMax: number;
    violated: (check: CheckName, text: string) => void;
  }) {
    this.#world = options.world;
    this.#cluster = options.cluster;
    this.#counters = options.counters;
    this.#random = options.world.random('supervisor');
    this.#restartMsMax = options.restartMsMax;
    this.#recoveryCrashShare = options.recoveryCrashShare;
    this.#entryBytesMax = options.entryBytesMax;
    this.#violated = options.violated;
  }

  // ---- faults ----

  /** False: there is nothing to end. It is back in `backMs`, or at random. */
  crash(id: NodeId, powerLoss: boolean, backMs?: number): boolean {
    assert(!this.#calm, 'a fault began after the faults had ended');
    const host = this.#cluster.host(id);
    // Asleep, a machine can lose its power, and nobody can kill a process on it.
    if (!host.alive || (host.asleep && !powerLoss)) return false;
    this.#cluster.crash(id, powerLoss);
    this.#startLater(id, backMs);
    return true;
  }

  /** As operators do it. Tells when it has stopped, if there was anybody to ask. */
  stop(id: NodeId, onStopped: () => void): void {
    const node = this.#cluster.node(id);
    const host = this.#cluster.host(id);
    if (node === undefined || !host.runs) return;
    this.#asked.set(id, { life: host.life, onStopped });
    // The outcome is in `closed`, which the cluster watches.
    node.stop().catch(() => undefined);
  }

  isDamaged(id: NodeId): boolean {
    return this.#damaged.has(id);
  }

  /** It comes back with an empty disk. False: there is nothing to end. */
  wipe(id: NodeId): boolean {
    assert(!this.#damaged.has(id), 'what rots on a disk is mended on the same one');
    if (!this.crash(id, false)) return false;
    this.#cluster.wipe(id);
    this.#spoiltVotes.delete(id);
    return true;
  }

  /** Of a member that is down, below what was durable. */
  damage(id: NodeId, damage: Damage): void {
    assert(!this.#calm, 'a fault began after the faults had ended');
    this.#damaged.set(id, damage);
    this.#cluster.host(id).disk.corrupt(damage.path, damage.position, damage.length);
  }

  /** One copy of the vote of a member that is down: it must come up on the other one. */
  spoilVote(id: NodeId, { path, position, length }: Damage): void {
    assert(!this.#calm, 'a fault began after the faults had ended');
    this.#spoiltVotes.add(id);
    this.#cluster.host(id).disk.corrupt(path, position, length);
  }

  /** The disk reads again what was written: flipped twice, the bytes are what they were. */
  mend(id: NodeId): void {
    const damage = this.#damaged.get(id);
    if (damage === undefined) return;
    // While it tries to start it may have read some of it already.
    this.#cluster.crash(id, false);
    this.#cluster.host(id).disk.corrupt(damage.path, damage.position, damage.length);
    this.#damaged.delete(id);
    this.#startLater(id);
  }

  // ---- the end of the faults ----

  /** From now on members stay up, but for those that are kept out. */
  calm(keptOut: readonly NodeId[]): void {
    this.#calm = true;
    this.#keptOut.clear();
    for (const id of keptOut) this.#keptOut.add(id);
    for (const id of this.#cluster.ids) {
      if (this.#keptOut.has(id)) continue;
      this.mend(id);
      if (this.#down.has(id)) this.#startLater(id);
    }
  }

  // ---- what the cluster tells ----

  onStopped(id: NodeId): void {
    const asked = this.#asked.get(id);
    if (asked !== undefined && asked.life === this.#cluster.host(id).life) asked.onStopped();
    else this.#violated('no member dies', `node ${id} stopped, and nobody had asked it to`);
    this.#startLater(id);
  }

  onRunning(id: NodeId): void {
    this.#cameUp.set(id, this.#cluster.host(id).life);
    if (this.#spoiltVotes.delete(id)) this.#counters.add('damaged votes survived');
    const damage = this.#damaged.get(id);
    if (damage === undefined) return;
    const where = `${damage.path} at ${damage.position}`;
    this.#violated('damage is refused', `node ${id} started on a damaged log: ${where}`);
  }

  /** At its start one of its two copies was no good. */
  onTornVote(id: NodeId): void {
    if (!this.#spoiltVotes.has(id)) this.#counters.add('torn copies of the vote');
  }

  onDeath(id: NodeId, error: unknown): void {
    if (this.#outlivedLoss(id, error)) {
      // As operators are told to.
      this.#cluster.crash(id, false);
      this.#cluster.wipe(id);
      this.#spoiltVotes.delete(id);
      this.#startLater(id);
      return;
    }
    const allowed = this.#allowance(id, error);
    if (allowed === undefined) {
      this.#violated('no member dies', `node ${id} died: ${describeError(error)}`);
    } else this.#counters.add(allowed);
    this.#startLater(id);
  }

  /** It holds what the voters gave up, and had no vote in that. */
  #outlivedLoss(id: NodeId, error: unknown): boolean {
    if (!(error instanceof DEngineError) || error.name !== 'HistoryGivenUp') return false;
    const { losses, memberships } = this.#cluster;
    return losses.all.some(({ from, to }) => from <= to) && !memberships.isBound(id);
  }

  /** What an end is counted as that the faults explain. */
  #allowance(id: NodeId, error: unknown): CounterName | undefined {
    const { disk } = this.#cluster.host(id);
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof StorageDamage && this.#damaged.has(id)) return 'damaged logs refused';
      // Only what a fault made the disk say, and to this very process.
      if (!(cause instanceof DiskError) || !disk.gave(cause)) continue;
      if (cause.kind !== 'full') return 'members stopped by a disk error';
      if (this.#mayStopForRoom(id, cause)) return 'members stopped by a full disk';
    }
    return undefined;
  }

  /**
   * A start writes, and fails without room. A member that is up has the room for what it writes all
   * the time, and goes on until its log file is full (docs/operations.md).
   */
  #mayStopForRoom(id: NodeId, { path }: DiskError): boolean {
    const host = this.#cluster.host(id);
    if (this.#cameUp.get(id) !== host.life) return true;
    if (!path.endsWith('.segment.tmp')) return false;
    const last = logFiles(host.disk).at(-1);
    return last === undefined || last.freeBytes < this.#entryBytesMax;
  }

  // ---- starting ----

  #startLater(id: NodeId, backMs?: number): void {
    this.#outages += 1;
    const outage = this.#outages;
    this.#down.set(id, outage);
    const underFaultsMs = backMs ?? this.#random.float() * this.#restartMsMax;
    const delayMs = this.#calm ? restartMs : underFaultsMs;
    this.#world.after(delayMs, () => this.#start(id, outage));
  }

  #start(id: NodeId, outage: number): void {
    if (this.#down.get(id) !== outage || this.#keptOut.has(id)) return;
    const host = this.#cluster.host(id);
    // Nobody can do anything to it before it wakes.
    if (host.asleep) {
      this.#world.after(restartMs, () => this.#start(id, outage));
      return;
    }
    this.#down.delete(id);
    if (host.alive) this.#cluster.crash(id, false);
    this.#cluster.restart(id);
    if (!this.#calm && this.#random.chance(this.#recoveryCrashShare)) this.#crashInRecovery(id);
  }

  #crashInRecovery(id: NodeId): void {
    const starts = this.#cluster.startsOf(id);
    this.#world.after(this.#random.float() * this.#random.pick(recoveryMs), () => {
      const isRecovering =
        this.#cluster.startsOf(id) === starts && this.#cluster.node(id) === undefined;
      if (this.#calm || !isRecovering) return;
      if (this.crash(id, this.#random.chance(0.7))) this.#counters.add('crashes during recovery');
    });
  }
}
