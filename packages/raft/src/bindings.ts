import type { Entry, HistoryId, InstanceId, LogIndex, NodeId } from '@d-engine/base';
import { assert, entryKinds, entryPayload, limits, must } from '@d-engine/base';
import type { Bootstrap, BoundMember, Configuration } from './configuration.ts';
import { configurationOf, isMember } from './configuration.ts';
import { Configurations } from './configurations.ts';
import {
  decodeBinding,
  decodeBootstrap,
  decodeConfigurationChange,
  decodeNewHistory,
} from './membership-codec.ts';
import type { Membership } from './raft-snapshot.ts';

/** Whether an entry of this kind says who belongs to the cluster, or to which history it is. */
export function isMembershipKind(kind: number): boolean {
  return membershipKinds.has(kind);
}

const membershipKinds: ReadonlySet<number> = new Set([
  entryKinds.bootstrap,
  entryKinds.binding,
  entryKinds.configuration,
  entryKinds.newHistory,
]);

/**
 * Who belongs to the cluster, and which data directory stands behind each node id, as the log says
 * (design rules 2 and 13). Without the latter a voter whose disk was wiped could vote a second time
 * in a term that it voted in before.
 *
 * A bootstrap's bindings hold from its append on: nobody could commit it otherwise. A later one
 * holds once it is committed, by those bound before it. What a configuration entry follows was
 * committed when its leader made it, so that whoever has the entry knows as much.
 */
export class Bindings {
  #bootstrap: Bootstrap | undefined;
  #bootstrapIndex: LogIndex = 0;
  // Invariant: empty exactly while #bootstrap is not set.
  readonly #configurations: Configurations = new Configurations();
  // Invariant: indexes never fall. The last one of a node id stands; those of members that were
  // removed stay, so that their directories are known when they come back.
  #members: BoundMember[] = [];
  /** Histories that began after the birth, or after the snapshot that this was loaded from. */
  #histories: { readonly index: LogIndex; readonly historyId: HistoryId }[] = [];

  /** Begins with what a snapshot says. */
  load(membership: Membership): void {
    const { clusterId, historyId, formedAtWallMs, configuration, bindings } = membership;
    const { members } = configuration;
    this.#bootstrap = { clusterId, historyId, formedAtWallMs, members, bindings };
    this.#bootstrapIndex = membership.configurationIndex;
    this.#configurations.reset(membership.configurationIndex, configuration);
    this.#members = [...bindings];
    this.#histories = [];
  }

  /** As of `index`, which is committed and not below the last snapshot: for the next one. */
  membershipAt(index: LogIndex): Membership {
    const bootstrap = must(this.#bootstrap, 'a snapshot of a cluster that was born');
    const standing = must(this.#configurations.asOf(index), 'a configuration as of a snapshot');
    const history = this.#histories.findLast((began) => began.index <= index);
    return {
      clusterId: bootstrap.clusterId,
      historyId: history?.historyId ?? bootstrap.historyId,
      formedAtWallMs: bootstrap.formedAtWallMs,
      configuration: standing.configuration,
      configurationIndex: standing.index,
      bindings: this.#boundAt(index, standing.configuration),
    };
  }

  /** All that stand, and of those that were replaced or removed the last few. */
  #boundAt(index: LogIndex, configuration: Configuration): BoundMember[] {
    const bound = this.#members.filter((member) => member.index <= index);
    const newest = new Map(bound.map((member) => [member.nodeId, member]));
    const gone = bound.filter(
      (member) => newest.get(member.nodeId) !== member || !isMember(configuration, member.nodeId),
    );
    const forgotten = gone.slice(0, Math.max(0, gone.length - limits.removedMembersMax));
    return bound.filter((member) => !forgotten.includes(member));
  }

  /** A snapshot tells from now on who was a member up to `index`. */
  compact(index: LogIndex): void {
    const standing = this.#configurations.asOf(index);
    if (standing === undefined) return;
    const kept = this.#boundAt(index, standing.configuration);
    this.#members = this.#members.filter((member) => member.index > index || kept.includes(member));
    this.#configurations.compact(index);
  }

  /** In force since its append. Undefined until there is a bootstrap. */
  get configuration(): Configuration | undefined {
    return this.#configurations.latest;
  }

  /** As of `index`, which no snapshot hides; undefined before the birth. */
  configurationAt(index: LogIndex): Configuration | undefined {
    return this.#configurations.asOf(index)?.configuration;
  }

  /** Of the entry that made the configuration; 0 without one. */
  get configurationIndex(): LogIndex {
    return this.#configurations.lastIndex;
  }

  /** The birth of the cluster, committed or not. */
  get bootstrap(): Bootstrap | undefined {
    return this.#bootstrap;
  }

  /** 0 without a bootstrap. */
  get bootstrapIndex(): LogIndex {
    return this.#bootstrapIndex;
  }

  get members(): readonly BoundMember[] {
    return this.#members;
  }

  /** Index of the newest entry that was added; 0 for none. */
  get lastIndex(): LogIndex {
    const bound = this.#members[this.#members.length - 1]?.index ?? this.#bootstrapIndex;
    const history = this.#histories[this.#histories.length - 1]?.index ?? 0;
    return Math.max(bound, history, this.#configurations.lastIndex);
  }

  /** The first entry of these above `index`; undefined for none. */
  firstAbove(index: LogIndex): LogIndex | undefined {
    if (this.lastIndex <= index) return undefined;
    const others = [...this.#members, ...this.#histories].map((entry) => entry.index);
    const all = [this.#bootstrapIndex, ...this.#configurations.indexes, ...others];
    return Math.min(...all.filter((each) => each > index));
  }

  /** Takes in an entry of such a kind as it is appended. */
  add(entry: Entry): void {
    assert(entry.index > this.lastIndex, 'membership entries come in order');
    if (entry.kind === entryKinds.bootstrap) {
      assert(this.#bootstrap === undefined, 'a log has one bootstrap entry');
      // The payload is a view of the log's buffer; decoding makes strings, which are copies.
      this.#bootstrap = decodeBootstrap(entryPayload(entry));
      this.#bootstrapIndex = entry.index;
      this.#configurations.add(entry.index, configurationOf(this.#bootstrap.members));
      for (const { nodeId, instanceId } of this.#bootstrap.bindings) {
        this.#bind({ nodeId, instanceId, index: entry.index });
      }
      return;
    }
    assert(this.#bootstrap !== undefined, 'all others come after the bootstrap');
    if (entry.kind === entryKinds.newHistory) {
      const historyId = decodeNewHistory(entryPayload(entry));
      this.#histories.push({ index: entry.index, historyId });
      return;
    }
    if (entry.kind === entryKinds.configuration) {
      const { configuration, bindings } = decodeConfigurationChange(entryPayload(entry));
      this.#configurations.add(entry.index, configuration);
      for (const binding of bindings) this.#members.push({ ...binding, index: entry.index });
      return;
    }
    assert(entry.kind === entryKinds.binding, 'only membership entries come here');
    const { nodeId, instanceId } = decodeBinding(entryPayload(entry));
    this.#bind({ nodeId, instanceId, index: entry.index });
  }

  #bind(member: BoundMember): void {
    const { nodeId } = member;
    assert(this.find(nodeId) === undefined, () => `member ${nodeId} is bound twice`);
    this.#members.push(member);
  }

  /** Forgets what stood at `index` or after it. True when that was anything. */
  truncateFrom(index: LogIndex): boolean {
    if (this.lastIndex < index) return false;
    this.#members = this.#members.filter((member) => member.index < index);
    this.#histories = this.#histories.filter((began) => began.index < index);
    this.#configurations.truncateFrom(index);
    if (this.#bootstrapIndex >= index) {
      this.#bootstrap = undefined;
      this.#bootstrapIndex = 0;
    }
    return true;
  }

  /** The newest one, whether it holds or not. */
  find(nodeId: NodeId): BoundMember | undefined {
    return this.#members.findLast((member) => member.nodeId === nodeId);
  }

  /** The instance that counts under `nodeId`, if any does. */
  holdingInstance(nodeId: NodeId, commitIndex: LogIndex): InstanceId | undefined {
    const knownIndex = Math.max(commitIndex, this.#configurations.lastIndex - 1);
    const isHolding = (member: BoundMember): boolean =>
      member.nodeId === nodeId &&
      (member.index === this.#bootstrapIndex || member.index <= knownIndex);
    return this.#members.findLast(isHolding)?.instanceId;
  }

  /** Whether another directory took the place of this one under its node id. */
  isReplaced(nodeId: NodeId, instanceId: InstanceId): boolean {
    const newest = this.find(nodeId);
    const isKnown = (member: BoundMember): boolean =>
      member.nodeId === nodeId && member.instanceId === instanceId;
    return newest?.instanceId !== instanceId && this.#members.some(isKnown);
  }

  /** Whether this very directory was a member's, and is none by what is committed. */
  isRemoved(nodeId: NodeId, instanceId: InstanceId, commitIndex: LogIndex): boolean {
    const configuration = this.#configurations.latest;
    if (configuration === undefined || isMember(configuration, nodeId)) return false;
    if (this.#configurations.lastIndex > commitIndex) return false;
    return this.find(nodeId)?.instanceId === instanceId;
  }

  /** Whether exactly this instance counts under this node id. */
  holds(nodeId: NodeId, instanceId: InstanceId | undefined, commitIndex: LogIndex): boolean {
    if (instanceId === undefined) return false;
    return this.holdingInstance(nodeId, commitIndex) === instanceId;
  }
}
