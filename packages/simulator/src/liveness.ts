import type { NodeId } from '@d-engine/base';
import type { Node } from '@d-engine/node';
import type { FailedOperation, SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import type { AnswerWatch, OwedAnswer } from './answer-watch.ts';
import { answerBoundMs } from './answer-watch.ts';
import type { Counters } from './counters.ts';
import { noSnapshots } from './draw-snapshots.ts';
import type { Command } from './history/operation.ts';
import type { LivenessBounds } from './liveness-bounds.ts';
import { livenessBounds } from './liveness-bounds.ts';
import { targetOf } from './make-clients.ts';
import type { Nemesis } from './nemesis.ts';
import type { Recorder } from './recorder.ts';
import { patienceMs, roomyQueueMin } from './recorder.ts';
import type { Scenario } from './scenario.ts';
import { limitsOfWaiting } from './scenario.ts';
import type { CheckName } from './violation.ts';
import type { VirtualCluster } from './virtual-cluster.ts';
import type { SwarmWatchers } from './watches/swarm-watchers.ts';

/** Of the clients, once the cluster is whole: enough to tell a share of them. */
const servedOperations = 60;
/** One of them may meet what a fault left behind, or a leader change that no fault made. */
const servedShareMin = 0.98;
/** Where so little may wait that a client tries again until its time is up. */
const servedShareMinOfNarrow = 0.95;
/** However narrow a limit is, this share of them is answered. */
const answeredShareMin = 0.25;

/** A watch that says nothing is given up after a while, and the next one may have to be, too. */
const hearMs = 10_000;

/** A snapshot that cannot be read for a peer is read again; nothing else is tried again. */
function stopsMember({ operation, path }: FailedOperation): boolean {
  return operation !== 'read' || !path.startsWith(noSnapshots.directory);
}

/** What must happen once the faults are over: first for a majority, then for everybody. */
export class Liveness {
  readonly #world: VirtualWorld;
  readonly #cluster: VirtualCluster;
  readonly #scenario: Scenario;
  readonly #nemesis: Nemesis;
  readonly #recorder: Recorder;
  readonly #watch: AnswerWatch;
  readonly #counters: Counters;
  readonly #random: SeededRandom;
  /** After every step; true ends the run. */
  readonly #step: () => boolean;
  readonly #violated: (check: CheckName, text: string) => void;
  readonly #bounds: LivenessBounds;
  #keptOut: readonly NodeId[] = [];
  /** Nobody can be elected as long as those are away, or for good: see `#waitsForEveryVoter`. */
  #isExcused = false;

  constructor(options: {
    world: VirtualWorld;
    cluster: VirtualCluster;
    scenario: Scenario;
    nemesis: Nemesis;
    recorder: Recorder;
    watch: AnswerWatch;
    counters: Counters;
    step: () => boolean;
    violated: (check: CheckName, text: string) => void;
  }) {
    this.#world = options.world;
    this.#cluster = options.cluster;
    this.#scenario = options.scenario;
    this.#bounds = livenessBounds(options.scenario);
    this.#nemesis = options.nemesis;
    this.#recorder = options.recorder;
    this.#watch = options.watch;
    this.#counters = options.counters;
    this.#random = options.world.random('liveness');
    this.#step = options.step;
    this.#violated = options.violated;
  }

  /** The faults end for a random majority: it elects, commits and answers what was asked. */
  async majority(): Promise<boolean> {
    const { ids } = this.#cluster;
    const healed = this.#drawMajority();
    this.#keptOut = ids.filter((id) => !healed.includes(id));
    if (this.#keptOut.length > 0) this.#counters.add('majorities without some members');
    this.#nemesis.rest(this.#keptOut);
    if (await this.#serves(healed)) return true;
    const isExcused = this.#isExcused;
    this.#isExcused = false;
    return isExcused;
  }

  async #serves(healed: readonly NodeId[]): Promise<boolean> {
    const waiting = this.#watch.owed;
    if (!(await this.#rise(healed))) return false;
    const isLed = await this.#settle('no leader of the majority', () => this.#follow(healed));
    if (!isLed || !(await this.#write('majority', healed))) return false;
    return this.#answer(waiting);
  }

  /** The faults end for everybody: all follow one leader, catch up and count. */
  async everybody(): Promise<boolean> {
    this.#keptOut = [];
    this.#nemesis.rest([]);
    const { ids } = this.#cluster;
    if (!(await this.#rise(ids))) return false;
    if (!(await this.#settle('not whole again', () => this.#follow(ids)))) return false;
    const leader = this.#cluster.leader?.commitIndex ?? 0;
    const hasCaughtUp = (): boolean =>
      this.#expected(ids).every((id) => {
        const node = this.#cluster.node(id);
        return node !== undefined && node.appliedIndex >= leader;
      });
    if (!(await this.#settle('not everybody caught up', hasCaughtUp))) return false;
    // Without it a member counts in no quorum, and the others can afford to lose one less.
    const { memberships } = this.#cluster;
    const isBound = (): boolean => this.#expected(ids).every((id) => memberships.isBound(id));
    if (!(await this.#settle('not everybody is bound', isBound))) return false;
    const countsAgain = (): boolean =>
      this.#expected(ids).every((id) => this.#cluster.node(id)?.raft.recovering === false);
    if (!(await this.#settle('not everybody has recovered', countsAgain))) return false;
    // Over every link that a client's operation may take: writes go over another than reads.
    for (const id of this.#expected(ids)) {
      if (!(await this.#write(`write through ${id}`, [id]))) return false;
      if (!(await this.#read(`read through ${id}`, id, 'k0'))) return false;
    }
    return true;
  }

  get #servedShareMin(): number {
    const { pendingWritesMax, pendingReadsMax } = limitsOfWaiting(this.#scenario);
    const isNarrow = Math.min(pendingWritesMax, pendingReadsMax) < roomyQueueMin;
    return isNarrow ? servedShareMinOfNarrow : servedShareMin;
  }

  /** The cluster is whole, and clients go on: nearly all are served, and none with an error. */
  async serve(): Promise<boolean> {
    const { history } = this.#recorder;
    const first = history.length;
    const end = first + servedOperations;
    const { clients, intervalMsMax } = this.#scenario;
    // Twice as long as they take on average, and who asked a process that died first waits it out.
    const askMs =
      (servedOperations / clients) * intervalMsMax + this.#bounds.settledMs + patienceMs;
    const isAsked = (): boolean => history.length >= end;
    if (!(await this.#until('the clients ask too little', askMs, isAsked))) return false;
    if (!(await this.#answer(this.#watch.owed))) return false;
    const asked = history.slice(first, end);
    // What a narrow limit refuses tells nothing of the cluster.
    const failed = asked.filter(
      (operation) =>
        operation.outcome.type !== 'answered' && !this.#recorder.isRefusedByLimit(operation),
    );
    const answered = asked.filter(({ outcome }) => outcome.type === 'answered').length;
    if (answered < asked.length * answeredShareMin) {
      this.#violated('liveness', `only ${answered} of ${asked.length} were answered`);
      return false;
    }
    if (failed.length <= asked.length * (1 - this.#servedShareMin)) return true;
    const which = failed.map(
      ({ client, key, command }) => `${command.type} of ${key} by ${client}`,
    );
    const text = `${failed.length} of ${asked.length} failed without a fault: ${which.join(', ')}`;
    this.#violated('liveness', text);
    return false;
  }

  /** Every key, through every member, once all is quiet. */
  async readBack(): Promise<void> {
    for (const id of this.#expected(this.#cluster.ids)) {
      for (let index = 0; index < this.#scenario.keys; index++) {
        if (!(await this.#read(`final read on ${id}`, id, `k${index}`))) return;
      }
    }
  }

  /** Nobody asks any more: what was asked until now is answered, however late it was asked. */
  answered(): Promise<boolean> {
    return this.#answer(this.#watch.owed);
  }

  /** Watchers hear the rest, those that dawdled too. */
  async heard(watchers: SwarmWatchers): Promise<void> {
    watchers.hurry();
    const limitMs = this.#bounds.settledMs + hearMs;
    await this.#until('not all watchers heard all', limitMs, () => watchers.haveCaughtUp);
  }

  /**
   * A majority of all members, of those that count: others cannot elect anybody. Who acknowledges
   * from memory counts as long as it runs.
   */
  #drawMajority(): readonly NodeId[] {
    const { ids, memberships } = this.#cluster;
    const { majority } = memberships;
    const isDiskFirst = this.#scenario.persistence.strategies === 'DiskFirst';
    const shuffled = ids.map((id) => ({ id, at: this.#random.float() }));
    shuffled.sort((one, other) => one.at - other.at);
    const must = shuffled
      .map(({ id }) => id)
      .filter((id) => memberships.isSettled(id) && (isDiskFirst || this.#counts(id)))
      .slice(0, majority);
    if (must.length < majority) return ids;
    const may = ids.filter((id) => !must.includes(id) && this.#random.chance(0.4));
    return [...must, ...may];
  }

  /** It runs and is bound, and forgot nothing that it may have acknowledged. */
  #counts(id: NodeId): boolean {
    const isRecovering = this.#cluster.node(id)?.raft.recovering ?? true;
    return !isRecovering && this.#cluster.memberships.isBound(id);
  }

  /**
   * Too few count to elect anybody, so that every voter has to agree, and not all are there: one
   * is kept out, or has lost its disk for good (design rule 3). While somebody leads, those
   * that recover will count again.
   */
  #waitsForEveryVoter(): boolean {
    const { ids, memberships } = this.#cluster;
    const here = ids.filter((id) => !this.#keptOut.includes(id) && !memberships.isOut(id));
    if (here.some((id) => this.#cluster.node(id)?.isLeader === true)) return false;
    if (here.filter((id) => this.#counts(id)).length >= memberships.majority) return false;
    return ids.some((id) => memberships.isKnown(id) && !here.includes(id));
  }

  /** Without those that came back with another disk: the cluster takes them back never. */
  #expected(ids: readonly NodeId[]): readonly NodeId[] {
    return ids.filter((id) => !this.#cluster.memberships.isOut(id));
  }

  #read(name: string, id: NodeId, key: string): Promise<boolean> {
    return this.#perform(name, [id], key, { type: 'read', consistency: 'linearizable' });
  }

  #write(name: string, ids: readonly NodeId[]): Promise<boolean> {
    return this.#perform(name, ids, 'k0', { type: 'put', value: `of the ${name}` });
  }

  /** Tries until it works, on one of these members. */
  async #perform(
    client: string,
    ids: readonly NodeId[],
    key: string,
    command: Command,
  ): Promise<boolean> {
    let attempt = 0;
    let isDone = false;
    let isUnderWay = false;
    const tryOnce = (): boolean => {
      const asked = this.#expected(ids);
      const nodes = this.#cluster.callable.filter((each) => asked.includes(each.settings.nodeId));
      if (isDone || isUnderWay || nodes.length === 0) return isDone;
      isUnderWay = true;
      attempt += 1;
      const target = targetOf(this.#cluster, this.#random.pick(nodes));
      // A value is never written twice, nor by two attempts.
      const next =
        command.type === 'put' ? { ...command, value: `${command.value} ${attempt}` } : command;
      this.#recorder.perform(client, target, key, next).then(
        (answer) => {
          isUnderWay = false;
          isDone = answer !== undefined;
        },
        (error: unknown) => {
          isDone = true;
          this.#violated('liveness', `${client} failed: ${String(error)}`);
        },
      );
      return false;
    };
    return this.#settle(`${client} never worked`, tryOnce);
  }

  /** A process runs on each, and is not about to stop: for an error of its disk, for one. */
  #rise(ids: readonly NodeId[]): Promise<boolean> {
    const isUp = (id: NodeId): boolean => {
      const { runs, disk } = this.#cluster.host(id);
      return runs && !disk.failures.some(stopsMember) && this.#cluster.node(id)?.isServing === true;
    };
    return this.#until('not all are up', this.#bounds.upMs, () => this.#expected(ids).every(isUp));
  }

  /** All of these, each in its time, of processes that may have to wake up first. */
  #answer(waiting: readonly OwedAnswer[]): Promise<boolean> {
    const longestMs = Math.max(0, ...waiting.map(({ asked }) => answerBoundMs(asked)));
    const isAnswered = (): boolean => waiting.every((each) => !this.#watch.isOwed(each));
    return this.#until('not all are answered', longestMs + this.#bounds.upMs, isAnswered);
  }

  /** These, and maybe others, serve and follow one leader among them. */
  #follow(ids: readonly NodeId[]): boolean {
    const nodes: Node[] = [];
    for (const id of this.#expected(ids)) {
      const node = this.#cluster.node(id);
      if (node?.isServing !== true) return false;
      nodes.push(node);
    }
    const leader = nodes.find((node) => node.isLeader)?.settings.nodeId;
    return leader !== undefined && nodes.every((node) => node.leaderId === leader);
  }

  #settle(problem: string, holds: () => boolean): Promise<boolean> {
    return this.#until(problem, this.#bounds.settledMs, holds);
  }

  async #until(problem: string, limitMs: number, holds: () => boolean): Promise<boolean> {
    let isViolated = false;
    const step = (): boolean => {
      isViolated = this.#step();
      return isViolated || holds();
    };
    const done = await this.#world.run({ until: step, limitMs });
    if (done) return !isViolated;
    if (this.#waitsForEveryVoter()) {
      this.#counters.add('waits for every voter');
      this.#isExcused = true;
      return false;
    }
    const bound = Math.round(limitMs);
    this.#violated('liveness', `${problem} within ${bound} ms: ${this.#states()}`);
    return false;
  }

  #states(): string {
    const states = this.#cluster.ids.map((id) => {
      const node = this.#cluster.node(id);
      if (node === undefined) return `${id}: down`;
      const { role, term, leader, condition, commitIndex, lastLogIndex } = node.status();
      const log = `committed ${commitIndex} of ${lastLogIndex}`;
      const recovers = node.raft.recovering ? ' recovers' : '';
      return `${id}: ${role} term ${term} leader ${leader?.id} ${condition} ${log}${recovers}`;
    });
    return `${states.join('; ')}; kept out: ${this.#keptOut.join(', ')}`;
  }
}
