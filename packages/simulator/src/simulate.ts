import type { NodeId } from '@d-engine/base';
import { describeError } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { AnswerWatch } from './answer-watch.ts';
import { countWorld } from './count-world.ts';
import type { Counts } from './counters.ts';
import { Counters } from './counters.ts';
import type { Strategies } from './draw-persistence.ts';
import { drawScenario, durationMsDefault } from './draw-scenario.ts';
import { Harms } from './faults/harms.ts';
import type { Operation } from './history/operation.ts';
import { Invariants } from './invariants/invariants.ts';
import { judgeHistory } from './judge-history.ts';
import { Liveness } from './liveness.ts';
import { makeClients } from './make-clients.ts';
import { mendMsMax, Nemesis } from './nemesis.ts';
import { Recorder } from './recorder.ts';
import type { Scenario, Transport } from './scenario.ts';
import { entryBytesMax, limitsOfWaiting } from './scenario.ts';
import { Supervisor } from './supervisor.ts';
import type { CheckName, Violation } from './violation.ts';
import { formatViolation } from './violation.ts';
import { VirtualCluster } from './virtual-cluster.ts';
import { VoteTrap } from './vote-trap.ts';
import { SwarmWatchers } from './watches/swarm-watchers.ts';

/** A line of a run's story: what happened when, and on which member (`n1`), if on one. */
export type OnLine = (line: string, member: string) => void;

export interface SimulationOptions {
  /** Time under faults, virtual. */
  readonly durationMs?: number;
  readonly scenario?: Scenario;
  /** Every log line of the members, every fault and every violation. */
  readonly onLine?: OnLine;
}

export interface SimulationReport {
  readonly seed: number;
  readonly members: number;
  readonly transport: Transport;
  readonly strategies: Strategies;
  /** Empty: nothing went wrong. */
  readonly violations: readonly Violation[];
  readonly virtualMs: number;
  readonly steps: number;
  readonly operations: number;
  readonly answered: number;
  readonly counts: Counts;
  /** Of everything that happened: equal for equal runs. */
  readonly fingerprint: string;
}

/**
 * One run: members and clients under faults, then without. The same seed and code give the same
 * run, event by event.
 */
export function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  return new Simulation(seed, options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #durationMs: number;
  readonly #scenario: Scenario;
  readonly #onLine: OnLine | undefined;
  readonly #world: VirtualWorld;
  readonly #counters = new Counters();
  readonly #violations: Violation[] = [];
  readonly #cluster: VirtualCluster;
  readonly #invariants: Invariants;
  readonly #memberOfHost: ReadonlyMap<string, NodeId>;
  readonly #recorder: Recorder;
  readonly #nemesis: Nemesis;
  readonly #liveness: Liveness;
  readonly #trap: VoteTrap | undefined;
  readonly #watchers: SwarmWatchers;

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed;
    this.#durationMs = options.durationMs ?? durationMsDefault;
    this.#scenario = options.scenario ?? drawScenario(seed);
    this.#onLine = options.onLine;
    const scenario = this.#scenario;
    const counters = this.#counters;
    const world = new VirtualWorld({ seed, ...scenario.world });
    this.#world = world;
    const violated = (check: CheckName, text: string): void => this.#violated({ check, text });
    world.onUncaught((error, host) =>
      violated('no member dies', `uncaught in ${host}: ${describeError(error)}`),
    );
    const { onLine } = options;
    const cluster = new VirtualCluster(
      world,
      scenario,
      {
        onDeath: (id, error) => supervisor.onDeath(id, error),
        onStopped: (id) => supervisor.onStopped(id),
        onRunning: (id) => supervisor.onRunning(id),
        onBrokenRule: (text) => violated('the wire keeps its rules', text),
        onDiverged: (id) => violated('no member is called odd', `n${id} was told that it differs`),
        onTornVote: (id) => supervisor.onTornVote(id),
        ...(onLine && { onLog: (id, level, text) => this.#say(`${level} ${text}`, `n${id}`) }),
      },
      counters,
    );
    this.#cluster = cluster;
    const restartMsMax = mendMsMax(scenario.electionTimeoutMinMs);
    const supervisor = new Supervisor({
      world,
      cluster,
      counters,
      restartMsMax,
      recoveryCrashShare: scenario.recoveryCrashShare,
      entryBytesMax: entryBytesMax(scenario),
      violated,
    });
    this.#invariants = new Invariants(() => cluster.running(), cluster.committed, cluster.losses);
    this.#memberOfHost = new Map(cluster.ids.map((id) => [cluster.hostName(id), id]));
    const watch = new AnswerWatch(world, violated);
    const harms = new Harms(world, cluster);
    const recorder = new Recorder({
      world,
      counters,
      watch,
      limits: limitsOfWaiting(scenario),
      isCutOff: (host) => harms.isCutOff(host),
      say: onLine && ((text) => this.#say(text, 'clients')),
    });
    this.#recorder = recorder;
    const random = world.random('nemesis');
    const tools = { world, cluster, supervisor, scenario, random, counters, harms };
    const nemesis = new Nemesis(tools, (text) => this.#say(text, ''));
    this.#nemesis = nemesis;
    this.#trap = scenario.voteTrap ? new VoteTrap(world, cluster, harms, scenario) : undefined;
    const step = (): boolean => this.#step();
    const parts = { world, cluster, scenario, nemesis, recorder, watch, counters, step, violated };
    this.#liveness = new Liveness(parts);
    this.#watchers = new SwarmWatchers({
      world,
      scenario,
      cluster,
      counters,
      violated: (text) => violated('watches miss nothing', text),
      say: onLine && ((text) => this.#say(text, 'watchers')),
    });
  }

  async run(): Promise<SimulationReport> {
    const world = this.#world;
    const cluster = this.#cluster;
    const clients = makeClients(world, this.#scenario, cluster, this.#recorder, this.#counters);
    this.#say(`${cluster.ids.length} members, over ${this.#scenario.transport}`, '');
    for (const id of cluster.ids) cluster.start(id);
    for (const client of clients) client.start();
    this.#watchers.start();
    this.#nemesis.start();
    this.#trap?.start();
    await world.run({ until: () => this.#step(), limitMs: this.#durationMs });
    this.#trap?.rest();
    if (!this.#isViolated && (await this.#liveness.majority())) {
      if (await this.#liveness.everybody()) {
        const isServed = await this.#liveness.serve();
        for (const client of clients) client.stop();
        if (isServed) await this.#liveness.readBack();
        if (!this.#isViolated) await this.#liveness.answered();
        if (!this.#isViolated) await this.#liveness.heard(this.#watchers);
      }
    }
    if (!this.#isViolated) this.#nemesis.assertRested();
    this.#checkHistory();
    return this.#report();
  }

  get #isViolated(): boolean {
    return this.#violations.length > 0;
  }

  /** After every event. True: something is wrong, and going on would only hide it. */
  #step(): boolean {
    this.#invariants.check(this.#touched());
    if (this.#invariants.isViolated) {
      for (const violation of this.#invariants.violations) this.#violated(violation);
    }
    this.#trap?.step();
    return this.#isViolated;
  }

  /** An event of a host touches no other one; what the world itself does may touch any. */
  #touched(): NodeId | 'nobody' | 'anybody' {
    const { lastHost } = this.#world;
    if (lastHost === undefined) return 'anybody';
    return this.#memberOfHost.get(lastHost) ?? 'nobody';
  }

  #violated(violation: Violation): void {
    this.#violations.push(violation);
    this.#say(`VIOLATION ${formatViolation(violation)}`, '');
  }

  #say(text: string, member: string): void {
    this.#onLine?.(`${this.#world.nowMs.toFixed(3)} ${member} ${text}`, member);
  }

  #checkHistory(): void {
    const { history } = this.#recorder;
    for (const violation of judgeHistory(history, this.#cluster.losses.all))
      this.#violated(violation);
  }

  #report(): SimulationReport {
    const { history } = this.#recorder;
    countWorld(this.#counters, this.#world, this.#cluster);
    return {
      seed: this.#seed,
      members: this.#scenario.members,
      transport: this.#scenario.transport,
      strategies: this.#scenario.persistence.strategies,
      violations: this.#violations,
      virtualMs: this.#world.nowMs,
      steps: this.#world.eventCount,
      operations: history.length,
      answered: countAnswered(history),
      counts: this.#counters.counts,
      fingerprint: this.#world.fingerprint(),
    };
  }
}

function countAnswered(history: readonly Operation[]): number {
  return history.filter(({ outcome }) => outcome.type === 'answered').length;
}
