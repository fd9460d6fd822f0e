import type { Entry, EntryKind, Instant, Proposal } from '@d-engine/base';
import { assert, encodeEntries, entryKinds } from '@d-engine/base';
import type { Binding } from './configuration.ts';
import { isVoter } from './configuration.ts';
import type { Core } from './core.ts';
import { LeaderState } from './leader-state.ts';
import { encodeBinding, encodeBootstrap, encodeNewHistory } from './membership-codec.ts';

const nothing: Uint8Array = new Uint8Array(0);

/**
 * Begins to lead the term that was just won. The first entry of the term says nothing: only by
 * committing it is it known how far the log is committed (Raft paper, sections 5.4.2 and 8). In a
 * new cluster its birth comes before that.
 */
export function startLeading(core: Core, at: Instant): void {
  assert(core.role === 'candidate', () => `a ${core.role} cannot win an election`);
  assert(core.isHardStateDurable, 'a leader has its own vote on disk');
  const { log, bindings } = core;
  // In a new log time starts at the wall clock, so that it means something.
  const baseMs = log.lastIndex === 0 ? Math.max(0, Math.floor(at.wallMs)) : log.lastClusterTimeMs;
  const first: Proposal[] = [];
  if (bindings.bootstrap === undefined) first.push(bootstrapProposal(core, at));
  if (core.needsEveryVote) {
    // Only what is known to be committed is certain to be what was acknowledged: above it an older
    // term's entry may stand in the place of one that was committed in memory and forgotten.
    core.outbox.notice({ type: 'possibleDataLoss', index: core.commitIndex, term: core.term });
    first.push({ kind: entryKinds.newHistory, payload: encodeNewHistory(core.config.newId()) });
  }
  first.push({ kind: entryKinds.noop, payload: nothing });
  const firstIndex = log.lastIndex + 1;
  core.role = 'leader';
  core.leaderId = core.self;
  core.votes.clear();
  for (const entry of encodeEntries(first, firstIndex, core.term, baseMs)) {
    core.appendEntry(entry);
  }
  const { configuration, config } = core;
  const interval = config.heartbeatIntervalMs;
  core.leader = new LeaderState(
    configuration,
    core.self,
    firstIndex,
    log.lastIndex,
    baseMs,
    at,
    interval,
  );
  core.leader.beganHistory = core.needsEveryVote;
  const isBound = core.counts(core.self, config.instanceId);
  assert(isBound || core.needsEveryVote, 'a leader is bound itself');
}

function bootstrapProposal(core: Core, at: Instant): Proposal {
  assert(core.log.lastIndex === 0, 'a cluster is born with its log');
  const bindings: Binding[] = [];
  for (const [nodeId, vote] of core.votes) {
    if (vote.granted && isVoter(core.configuration, nodeId))
      bindings.push({ nodeId, instanceId: vote.instanceId });
  }
  bindings.sort((first, second) => first.nodeId - second.nodeId);
  const payload = encodeBootstrap({
    clusterId: core.config.newId(),
    historyId: core.config.newId(),
    formedAtWallMs: Math.max(0, Math.floor(at.wallMs)),
    members: core.config.initialMembers,
    bindings,
  });
  return { kind: entryKinds.bootstrap, payload };
}

/** Appends proposals as entries of this leader's term. */
export function appendProposals(
  core: Core,
  leader: LeaderState,
  proposals: readonly Proposal[],
  at: Instant,
): readonly Entry[] {
  const entries = encodeEntries(
    proposals,
    core.log.lastIndex + 1,
    core.term,
    leader.clusterTimeMs(at),
  );
  for (const entry of entries) core.appendEntry(entry);
  return entries;
}

/**
 * Binds a member that answers for the first time. One such entry at a time, and none before an
 * entry of the own term is committed; whoever is left out answers again soon.
 */
export function bindIfNew(core: Core, leader: LeaderState, binding: Binding, at: Instant): void {
  const { bindings } = core;
  if (bindings.find(binding.nodeId) !== undefined) return;
  if (core.commitIndex < leader.noopIndex) return;
  if (bindings.lastIndex > core.commitIndex || leader.transfer !== undefined) return;
  const kind: EntryKind = entryKinds.binding;
  appendProposals(core, leader, [{ kind, payload: encodeBinding(binding) }], at);
}
