import type { InstanceId, NodeId } from '@d-engine/base';
import type { CheckName, Violation } from '../violation.ts';
import type { Check, Step } from './check.ts';
import { becameLeader } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';
import { CommittedIsNeverUndone } from './committed-is-never-undone.ts';
import { ConfigurationOverlap } from './configuration-overlap.ts';
import { DurableQuorum } from './durable-quorum.ts';
import { DurableSurvives } from './durable-survives.ts';
import { ElectionSafety } from './election-safety.ts';
import { HeartbeatCommitsVerified } from './heartbeat-commits-verified.ts';
import { LeaderAppendOnly } from './leader-append-only.ts';
import { LeaderCompleteness } from './leader-completeness.ts';
import { LeaseSafety } from './lease-safety.ts';
import { LogBehindSnapshot } from './log-behind-snapshot.ts';
import { LogMatching } from './log-matching.ts';
import type { Losses } from './losses.ts';
import { MemberRecord } from './member-record.ts';
import type { MemberView } from './member-view.ts';
import { MonotonicIndexes } from './monotonic-indexes.ts';
import { OneVoteATerm } from './one-vote-a-term.ts';
import { QuorumContact } from './quorum-contact.ts';
import { RecoveredHoldsAll } from './recovered-holds-all.ts';
import { SeenEntries } from './seen-entries.ts';
import { StateMachineSafety } from './state-machine-safety.ts';
import { TornTailCut } from './torn-tail-cut.ts';

/** A lease lasts for hundreds of events: each look at what it rests on may skip so many. */
const eventsPerLeaseLook = 16;

/**
 * What must hold after every event, across members and across their lives. Members in which
 * nothing changed cost a few comparisons; the checks see only steps.
 */
export class Invariants {
  readonly #running: () => Iterable<MemberView>;
  readonly #records = new Map<InstanceId, MemberRecord>();
  readonly #checks: readonly Check[];
  readonly #leases: LeaseSafety;
  readonly #losses: Losses;
  readonly #contact = new QuorumContact();
  readonly #violations: Violation[] = [];
  #eventCount = 0;

  constructor(running: () => Iterable<MemberView>, committed: CommittedEntries, losses: Losses) {
    this.#running = running;
    this.#losses = losses;
    const seen = new SeenEntries();
    this.#leases = new LeaseSafety(committed, running);
    this.#checks = [
      new ElectionSafety(),
      new LeaderAppendOnly(),
      new LogMatching(seen),
      new OneVoteATerm(losses),
      new MonotonicIndexes(),
      new TornTailCut(),
      new LogBehindSnapshot(),
      new DurableSurvives(seen),
      new HeartbeatCommitsVerified(),
      new DurableQuorum(committed, losses),
      new CommittedIsNeverUndone(committed),
      new LeaderCompleteness(committed),
      new StateMachineSafety(committed, losses),
      new ConfigurationOverlap(running),
      new RecoveredHoldsAll(committed),
    ];
  }

  get violations(): readonly Violation[] {
    return this.#violations;
  }

  get isViolated(): boolean {
    return this.#violations.length > 0;
  }

  /** `touched`: the only member that the event can have changed. Now and then all are looked at. */
  check(touched: NodeId | 'nobody' | 'anybody' = 'anybody'): void {
    this.#eventCount += 1;
    let looksAtLeases = this.#eventCount % eventsPerLeaseLook === 0;
    const looksAtAll = looksAtLeases || touched === 'anybody';
    for (const member of this.#running()) {
      if (looksAtAll || member.nodeId === touched) {
        const record = this.#recordOf(member);
        if (record.differsFrom(member)) this.#step(member, record);
        const problem = this.#contact.problem(member);
        if (problem !== undefined) this.#violated(this.#contact.name, problem);
      }
      if (this.#leases.isSuspect(member)) looksAtLeases = true;
    }
    if (looksAtLeases) this.#checkLeases();
  }

  /** One that comes back with another data directory is another member. */
  #recordOf({ nodeId, instanceId }: MemberView): MemberRecord {
    let record = this.#records.get(instanceId);
    if (record === undefined) {
      record = new MemberRecord(nodeId);
      this.#records.set(instanceId, record);
    }
    return record;
  }

  #step(member: MemberView, before: MemberRecord): void {
    const step: Step = {
      member,
      before,
      isNewLife: before.life !== member.life,
      logChangedFrom: before.logChangedFrom(member),
      recordOfBound: (nodeId) => {
        const instanceId = member.boundInstance(nodeId);
        return instanceId === undefined ? undefined : this.#records.get(instanceId);
      },
    };
    if (becameLeader(step)) this.#losses.settle(member, this.#running());
    for (const check of this.#checks) {
      const problem = check.step(step);
      if (problem !== undefined) this.#violated(check.name, problem);
    }
    before.update(member, step.logChangedFrom);
  }

  #checkLeases(): void {
    for (const member of this.#running()) {
      const problem = this.#leases.problem(member);
      if (problem !== undefined) this.#violated(this.#leases.name, problem);
    }
  }

  #violated(check: CheckName, text: string): void {
    this.#violations.push({ check, text });
  }
}
