import type { Address, Env, Logger, Metrics, NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Configuration, Raft } from '@d-engine/raft';
import { isMember } from '@d-engine/raft';
import type { Storage } from '@d-engine/storage';
import type { MemberLeadership } from '../leadership.ts';
import type { MemberAddresses } from '../member-addresses.ts';
import type { MemberCondition } from '../member-condition.ts';
import type { Transport } from '../peers/transport.ts';
import type { NodeSettings } from '../settings.ts';
import { LeaderChanges } from './leader-changes.ts';
import { LearnerJoin } from './learner-join.ts';
import { MemberChanges } from './member-changes.ts';
import { MembershipUpkeep } from './membership-upkeep.ts';
import { Successors } from './successors.ts';

export interface MembershipOptions {
  readonly env: Env;
  readonly settings: NodeSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly storage: Storage;
  readonly raft: Raft;
  readonly addresses: MemberAddresses;
  readonly condition: MemberCondition;
  readonly leadership: MemberLeadership;
  readonly transport: Transport;
  readonly requestTurn: () => void;
}

/** Who belongs to the cluster, as this member goes by it, and how that changes. */
export class Membership {
  readonly successors: Successors = new Successors();
  readonly changes: MemberChanges;
  readonly #options: MembershipOptions;
  readonly #leader: LeaderChanges;
  readonly #upkeep: MembershipUpkeep;
  /** Of a node that its file calls a learner. */
  readonly #join: LearnerJoin | undefined;
  /** Whose links are open. */
  #linked: Configuration | undefined;
  #leaving: readonly NodeId[] = [];

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { env, settings, raft, addresses, leadership, requestTurn } = options;
    const notLeader = (): DEngineError => leadership.notLeader();
    const { clock } = env;
    const { successors } = this;
    this.#leader = new LeaderChanges({ clock, raft, successors, requestTurn, notLeader });
    this.changes = new MemberChanges({
      env,
      raft,
      leader: this.#leader,
      addressOf: (id) => addresses.toDial(id),
      leadership,
    });
    this.#upkeep = new MembershipUpkeep({
      clock,
      logger: options.logger,
      metrics: options.metrics,
      raft,
      settings: settings.membership,
      silentMs: settings.electionTimeoutMaxMs,
      requestTurn,
    });
    const self = settings.initialMembers.find(({ id }) => id === settings.nodeId);
    this.#join = self?.role === 'learner' ? createJoin(options, self) : undefined;
  }

  start(): void {
    const { raft, logger, settings } = this.#options;
    this.#upkeep.start();
    if (raft.isRemoved) this.#onRemoved();
    if (raft.bootstrap !== undefined) warnOfOtherList(settings, raft.configuration, logger);
    if (this.#isStranger) this.#join?.start(settings.electionTimeoutMinMs);
    this.refreshLinks();
  }

  stop(message: string): void {
    this.#upkeep.stop();
    this.#join?.stop();
    this.#leader.failAll(message);
  }

  /** Its file says that it learns, and no log that it has named it yet: it waits to be called. */
  get #isStranger(): boolean {
    const { raft, settings } = this.#options;
    if (this.#join === undefined) return false;
    return raft.bootstrap === undefined || !isMember(raft.configuration, settings.nodeId);
  }

  /**
   * Whether somebody under this node id may be spoken with. One that has the log of this cluster
   * may be a member that this one has not read of yet.
   */
  knows(nodeId: NodeId, sameCluster: boolean): boolean {
    const { raft, settings } = this.#options;
    if (isMember(raft.configuration, nodeId) || sameCluster) return true;
    if (this.#isStranger && this.#join?.isAccepted === true) return true;
    return settings.initialMembers.some((member) => member.id === nodeId);
  }

  onEffects(): void {
    const { raft, condition } = this.#options;
    if (raft.isRemoved && !condition.isRemoved) this.#onRemoved();
    const leaving = raft.role === 'leader' ? leavingOf(raft) : [];
    const isNews = raft.configuration !== this.#linked || leaving.join() !== this.#leaving.join();
    if (isNews) this.refreshLinks();
    this.#leader.look();
  }

  #onRemoved(): void {
    const { condition, settings } = this.#options;
    const message =
      `node ${settings.nodeId} was removed from the cluster: stop it; to take it in again, wipe ` +
      'its data directory and let it join as a learner';
    condition.remove(new DEngineError('MemberRemoved', message));
  }

  /** Opens links to the members, and to those that are to hear that they are none any more. */
  refreshLinks(): void {
    const { raft, settings, addresses, transport } = this.#options;
    const { configuration } = raft;
    this.#linked = configuration;
    this.#leaving = raft.role === 'leader' ? leavingOf(raft) : [];
    const peers: { id: NodeId; address: Address }[] = [];
    // Its calls would be refused until it is a member, and its leader calls it then.
    const members = this.#isStranger || raft.isRemoved ? [] : configuration.members;
    for (const { id, address } of members) {
      if (id === settings.nodeId) continue;
      peers.push({ id, address: addresses.toDial(id) ?? address });
    }
    for (const id of this.#leaving) {
      const address = transport.addressOf(id);
      if (address !== undefined) peers.push({ id, address });
    }
    transport.setPeers(peers);
  }
}

function leavingOf(raft: Raft): NodeId[] {
  return raft
    .progress()
    .filter(({ leaving }) => leaving)
    .map(({ nodeId }) => nodeId);
}

function createJoin(
  options: MembershipOptions,
  self: NodeSettings['initialMembers'][number],
): LearnerJoin {
  const { env, logger, raft, settings, addresses, storage } = options;
  const { nodeId } = settings;
  const others = settings.initialMembers.filter(({ id }) => id !== nodeId);
  return new LearnerJoin({
    env,
    logger,
    raft,
    nodeId,
    settings: settings.membership.join,
    addresses: others.map(({ id, address }) => addresses.toDial(id) ?? address),
    request: () => ({
      nodeId,
      nodeRole: 'learner',
      address: settings.advertiseAddress ?? self.address,
      status: self.promotable ? 'promotable' : 'readOnly',
      instanceId: storage.identity.instanceId,
      clusterId: storage.identity.clusterId ?? undefined,
    }),
  });
}

/** After the first start the file is a list of addresses to try, and the log decides (rule 13). */
function warnOfOtherList(
  { initialMembers }: NodeSettings,
  { members }: Configuration,
  logger: Logger,
): void {
  const text = (list: Configuration['members']): string =>
    [...list]
      .sort((first, second) => first.id - second.id)
      .map(({ id, role }) => `${id} ${role}`)
      .join(', ');
  const [inFile, inLog] = [text(initialMembers), text(members)];
  if (inFile === inLog) return;
  logger.info('initial_cluster names other members than the cluster has: the cluster decides', {
    initial_cluster: inFile,
    members: inLog,
  });
}
