import type { Instant, Term } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Binding } from './configuration.ts';
import { isOnlyVoter, otherVoters } from './configuration.ts';
import type { Core } from './core.ts';
import { startLeading } from './leadership.ts';
import type {
  PreVoteRequest,
  Sender,
  TimeoutNowRequest,
  VoteRequest,
  VoteResponse,
} from './messages.ts';
import { voteResult } from './quorum.ts';
import { everyVoteResult, needsEveryVoter } from './recovery.ts';

/** No leader was heard for an election timeout, or a campaign came to nothing. */
export function electionTimedOut(core: Core, at: Instant): void {
  assert(core.role !== 'leader', 'a leader waits for nobody');
  const { stickyUntilMs } = core;
  if (at.monotonicMs < stickyUntilMs) {
    // A campaign begins with the own vote, which is promised to a leader until then.
    const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max, random } = core.config;
    core.electionDeadlineMs = stickyUntilMs + random() * (max - min);
    return;
  }
  if (mayCampaign(core, at)) {
    preCampaign(core, at);
    return;
  }
  core.becomeFollower(core.term, null, '', at);
  if (core.isCandidate) core.resetElectionDeadline(at);
  // A learner never campaigns; the next leader that it hears sets the deadline again.
  else core.electionDeadlineMs = Number.POSITIVE_INFINITY;
}

function mayCampaign(core: Core, at: Instant): boolean {
  if (!core.isCandidate || !core.mayLead) return false;
  if (core.recovering && !needsEveryVoter(core)) return false;
  if (core.bindings.bootstrap === undefined) return core.formation.mayCampaign(at.monotonicMs);
  const { self, config, bindings } = core;
  if (core.counts(self, config.instanceId)) return true;
  // Its vote is asked for, see everyVoteResult, and its log may well be the longest.
  return bindings.find(self)?.instanceId === config.instanceId && needsEveryVoter(core);
}

/** Asks first whether an election could be won, so that a lost member disturbs nobody (9.6). */
function preCampaign(core: Core, at: Instant): void {
  core.becomeFollower(core.term, null, '', at);
  if (isOnlyVoter(core.configuration, core.self)) {
    campaign(core, false, at);
    return;
  }
  core.role = 'preCandidate';
  core.resetElectionDeadline(at);
  core.needsEveryVote = needsEveryVoter(core);
  countVote(core, { nodeId: core.self, instanceId: core.config.instanceId }, true);
  const { lastIndex, lastTerm } = core.log;
  for (const to of otherVoters(core.configuration, core.self)) {
    core.outbox.send(to, {
      type: 'preVoteRequest',
      term: core.term + 1,
      lastLogIndex: lastIndex,
      lastLogTerm: lastTerm,
      everyVoter: core.needsEveryVote,
    });
  }
}

function campaign(core: Core, leadershipTransfer: boolean, at: Instant): void {
  assert(core.isCandidate, 'only a voter campaigns');
  core.becomeFollower(core.term, null, '', at);
  core.forgetTerm();
  core.saveHardState({
    term: core.term + 1,
    votedFor: { nodeId: core.self, instanceId: core.config.instanceId },
    stickinessMs: core.hardState.stickinessMs,
  });
  core.role = 'candidate';
  core.needsEveryVote = needsEveryVoter(core);
  core.resetElectionDeadline(at);
  const { lastIndex, lastTerm } = core.log;
  for (const to of otherVoters(core.configuration, core.self)) {
    core.sendWhenDurable(to, {
      type: 'voteRequest',
      term: core.term,
      lastLogIndex: lastIndex,
      lastLogTerm: lastTerm,
      leadershipTransfer,
      everyVoter: core.needsEveryVote,
    });
  }
}

/** The own vote counts like any other: once it cannot be forgotten. */
export function countOwnVote(core: Core, at: Instant): void {
  if (core.role !== 'candidate' || !core.isHardStateDurable) return;
  if (core.votes.has(core.self)) return;
  countVote(core, { nodeId: core.self, instanceId: core.config.instanceId }, true);
  concludeCampaign(core, at);
}

/** Without a bootstrap in the log a vote is first contact, and its instance gets bound by it. */
function countVote(core: Core, sender: Binding, granted: boolean): void {
  const { bindings } = core;
  const first = bindings.bootstrap === undefined;
  // Where all have to agree, one more is asked rather than one too few: see everyVoteResult.
  const counts = core.needsEveryVote
    ? bindings.find(sender.nodeId)?.instanceId === sender.instanceId
    : core.counts(sender.nodeId, sender.instanceId);
  if (!first && !counts) return;
  if (core.votes.has(sender.nodeId)) return;
  core.votes.set(sender.nodeId, { instanceId: sender.instanceId, granted });
}

function concludeCampaign(core: Core, at: Instant): void {
  const { voters, outgoingVoters } = core.configuration;
  const result = core.needsEveryVote
    ? everyVoteResult(core)
    : voteResult(voters, outgoingVoters, (id) => core.votes.get(id)?.granted);
  if (result === 'pending') return;
  if (result === 'lost') {
    core.becomeFollower(core.term, null, '', at);
    return;
  }
  if (core.role === 'preCandidate') {
    campaign(core, false, at);
    return;
  }
  // Others may have won it for us; a leader still needs its own vote on disk.
  if (core.votes.has(core.self)) startLeading(core, at);
}

export function handlePreVoteRequest(
  core: Core,
  sender: Sender,
  message: PreVoteRequest,
  at: Instant,
): void {
  const granted =
    message.term > core.term &&
    (!core.recovering || message.everyVoter) &&
    at.monotonicMs >= core.stickyUntilMs &&
    mayFollow(core, message.lastLogIndex, message.lastLogTerm);
  const term = granted ? message.term : core.term;
  core.sendWhenDurable(sender.nodeId, { type: 'voteResponse', term, preVote: true, granted });
}

/** Whether a leader whose log ends so would lose nothing that this member knows of. */
function mayFollow(core: Core, lastLogIndex: number, lastLogTerm: Term): boolean {
  // An empty candidate wants to found a cluster; this member knows that there is one (rule 2).
  if (lastLogIndex === 0 && core.formation.stopped) return false;
  return core.log.isUpToDate(lastLogIndex, lastLogTerm);
}

/** Of the own term or an older one; a newer one was taken over before. */
export function handleVoteRequest(
  core: Core,
  sender: Sender,
  message: VoteRequest,
  at: Instant,
): void {
  const granted = mayGrant(core, sender, message, at);
  if (granted && core.hardState.votedFor === null) {
    const { nodeId, instanceId } = sender;
    core.saveHardState({ ...core.hardState, votedFor: { nodeId, instanceId } });
    core.resetElectionDeadline(at);
  }
  const { term } = core;
  core.sendWhenDurable(sender.nodeId, { type: 'voteResponse', term, preVote: false, granted });
}

function mayGrant(core: Core, sender: Sender, message: VoteRequest, at: Instant): boolean {
  if (message.term < core.term) return false;
  // Its log may lack what it helped to commit, so it would let somebody lead who lacks it too.
  if (core.recovering && !message.everyVoter) return false;
  const voted = core.hardState.votedFor;
  if (voted !== null) {
    return voted.nodeId === sender.nodeId && voted.instanceId === sender.instanceId;
  }
  if (core.leaderId !== null) return false;
  if (!message.leadershipTransfer && at.monotonicMs < core.stickyUntilMs) return false;
  return mayFollow(core, message.lastLogIndex, message.lastLogTerm);
}

export function handleVoteResponse(
  core: Core,
  sender: Sender,
  message: VoteResponse,
  at: Instant,
): void {
  if (message.preVote) {
    if (core.role !== 'preCandidate') return;
    if (message.granted && message.term !== core.term + 1) return;
  } else {
    // A refusal of an older campaign says nothing about this one.
    if (core.role !== 'candidate' || message.term !== core.term) return;
  }
  countVote(core, sender, message.granted);
  concludeCampaign(core, at);
}

/** The leader hands over: campaign at once, without asking first (dissertation, 3.10). */
export function handleTimeoutNow(
  core: Core,
  sender: Sender,
  message: TimeoutNowRequest,
  at: Instant,
): void {
  if (message.term !== core.term || core.leaderId !== sender.nodeId) return;
  if (core.bindings.bootstrap === undefined || !mayCampaign(core, at)) return;
  // Where every voter is needed, nobody can take over without a pause.
  if (needsEveryVoter(core)) return;
  campaign(core, true, at);
}
