import type { Entry, InstanceId, LogIndex, NodeId } from '@d-engine/base';
import { assert, entryKinds, entryPayload, must } from '@d-engine/base';
import type { Bootstrap, BoundMember, Configuration } from './configuration.ts';
import { configurationOf } from './configuration.ts';
import { decodeBinding, decodeBootstrap } from './membership-codec.ts';
import type { Membership } from './raft-snapshot.ts';

/** Whether an entry of this kind says who belongs to the cluster. */
export function isMembershipKind(kind: number): boolean {
  return kind === entryKinds.bootstrap || kind === entryKinds.binding;
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

  /** Begins with what a snapshot says. */
  load(membership: Membership): void {
    const { clusterId, historyId, formedAtWallMs, configuration, bindings } = membership;
    const { members } = configuration;
    this.#bootstrap = { clusterId, historyId, formedAtWallMs, members, bindings };
    this.#bootstrapIndex = membership.configurationIndex;
    this.#configuration = configuration;
    this.#members = [...bindings];
  }

  /** As of `index`, which is committed and not below the last snapshot: for the next one. */
  membershipAt(index: LogIndex): Membership {
    const bootstrap = must(this.#bootstrap, 'a snapshot of a cluster that was born');
    const configuration = must(this.#configuration, 'a configuration');
    assert(this.#bootstrapIndex <= index, 'a snapshot of before the birth');
    return {
      clusterId: bootstrap.clusterId,
      historyId: bootstrap.historyId,
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

  /** Index of the newest bootstrap or binding; 0 for none. */
  get lastIndex(): LogIndex {
    return this.#members[this.#members.length - 1]?.index ?? this.#bootstrapIndex;
  }

  /** Takes in a bootstrap or binding entry as it is appended. */
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
    assert(entry.kind === entryKinds.binding, 'only membership entries come here');
    assert(this.#bootstrap !== undefined, 'a binding comes after the bootstrap');
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
