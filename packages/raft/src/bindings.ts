import type { Entry, HistoryId, InstanceId, LogIndex, NodeId } from '@d-engine/base';
import { assert, entryKinds, entryPayload, must } from '@d-engine/base';
import type { Bootstrap, BoundMember, Configuration } from './configuration.ts';
import { configurationOf } from './configuration.ts';
import { decodeBinding, decodeBootstrap, decodeNewHistory } from './membership-codec.ts';
import type { Membership } from './raft-snapshot.ts';

/** Whether an entry of this kind says who belongs to the cluster, or to which history it is. */
export function isMembershipKind(kind: number): boolean {
  return (
    kind === entryKinds.bootstrap || kind === entryKinds.binding || kind === entryKinds.newHistory
  );
}

/**
 * Which data directory stands behind each node id, as the log says (design rule 2). Without it a
 * voter whose disk was wiped could vote a second time in a term that it voted in before.
 *
 * A bootstrap's bindings hold from its append on: nobody could commit it otherwise. A later one
 * holds once it is committed, by those bound before it.
 */
export class Bindings {
  #bootstrap: Bootstrap | undefined;
  #bootstrapIndex: LogIndex = 0;
  // Invariant: set exactly while #bootstrap is.
  #configuration: Configuration | undefined;
  // Invariants: indexes never fall; each node id once.
  #members: BoundMember[] = [];
  /** Histories that began after the birth, or after the snapshot that this was loaded from. */
  #histories: { readonly index: LogIndex; readonly historyId: HistoryId }[] = [];

  /** Begins with what a snapshot says. */
  load(membership: Membership): void {
    const { clusterId, historyId, formedAtWallMs, configuration, bindings } = membership;
    const { members } = configuration;
    this.#bootstrap = { clusterId, historyId, formedAtWallMs, members, bindings };
    this.#bootstrapIndex = membership.configurationIndex;
    this.#configuration = configuration;
    this.#members = [...bindings];
    this.#histories = [];
  }

  /** As of `index`, which is committed and not below the last snapshot: for the next one. */
  membershipAt(index: LogIndex): Membership {
    const bootstrap = must(this.#bootstrap, 'a snapshot of a cluster that was born');
    const configuration = must(this.#configuration, 'a configuration');
    assert(this.#bootstrapIndex <= index, 'a snapshot of before the birth');
    const history = this.#histories.findLast((began) => began.index <= index);
    return {
      clusterId: bootstrap.clusterId,
      historyId: history?.historyId ?? bootstrap.historyId,
      formedAtWallMs: bootstrap.formedAtWallMs,
      configuration,
      configurationIndex: this.#bootstrapIndex,
      bindings: this.#members.filter((member) => member.index <= index),
    };
  }

  /** Undefined until there is a bootstrap. */
  get configuration(): Configuration | undefined {
    return this.#configuration;
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
    return Math.max(bound, this.#histories[this.#histories.length - 1]?.index ?? 0);
  }

  /** The first entry of these above `index`; undefined for none. */
  firstAbove(index: LogIndex): LogIndex | undefined {
    if (this.lastIndex <= index) return undefined;
    const all = [{ index: this.#bootstrapIndex }, ...this.#members, ...this.#histories];
    return Math.min(...all.map((entry) => entry.index).filter((each) => each > index));
  }

  /** Takes in an entry of such a kind as it is appended. */
  add(entry: Entry): void {
    assert(entry.index > this.lastIndex, 'membership entries come in order');
    if (entry.kind === entryKinds.bootstrap) {
      assert(this.#bootstrap === undefined, 'a log has one bootstrap entry');
      // The payload is a view of the log's buffer; decoding makes strings, which are copies.
      this.#bootstrap = decodeBootstrap(entryPayload(entry));
      this.#bootstrapIndex = entry.index;
      this.#configuration = configurationOf(this.#bootstrap.members);
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
    if (this.#bootstrapIndex >= index) {
      this.#bootstrap = undefined;
      this.#configuration = undefined;
      this.#bootstrapIndex = 0;
    }
    return true;
  }

  find(nodeId: NodeId): BoundMember | undefined {
    for (const member of this.#members) if (member.nodeId === nodeId) return member;
    return undefined;
  }

  /** The instance that counts under `nodeId`, if any does. */
  holdingInstance(nodeId: NodeId, commitIndex: LogIndex): InstanceId | undefined {
    const member = this.find(nodeId);
    if (member === undefined) return undefined;
    const holds = member.index === this.#bootstrapIndex || member.index <= commitIndex;
    return holds ? member.instanceId : undefined;
  }

  /** Whether exactly this instance counts under this node id. */
  holds(nodeId: NodeId, instanceId: InstanceId | undefined, commitIndex: LogIndex): boolean {
    if (instanceId === undefined) return false;
    return this.holdingInstance(nodeId, commitIndex) === instanceId;
  }
}
