import type { InstanceId, LogIndex, NodeId, Term } from '@d-engine/base';
import { formatMessage } from './format-message.ts';
import type { Outgoing } from './raft-under-test.ts';
import { check } from './rule-broken.ts';
import type { SimulatedNode } from './simulated-node.ts';

/** One message that is about to leave, with what its sender has on disk. */
interface Leaving {
  readonly node: SimulatedNode;
  readonly to: NodeId;
  readonly receiver: SimulatedNode | undefined;
  readonly term: Term;
  readonly text: string;
}

/**
 * Holds every message to what is on its sender's disk at the moment of sending: a vote, a term, an
 * acknowledged entry, a promised stickiness. What is only in memory must not be promised.
 */
export class PromiseJudge {
  readonly #votes = new Map<string, InstanceId>();

  beforeSend(node: SimulatedNode, { to, message }: Outgoing, receiver?: SimulatedNode): void {
    const text = `n${node.id} to n${to}, ${formatMessage(message)}`;
    const leaving: Leaving = { node, to, receiver, term: message.term, text };
    switch (message.type) {
      case 'voteRequest':
        this.#voteIsDurable(leaving, node.instanceId);
        break;
      case 'voteResponse':
        if (!message.preVote && message.granted) this.#voteIsDurable(leaving, receiver?.instanceId);
        break;
      case 'appendResponse':
        termIsDurable(leaving);
        if (message.result.type === 'matched') matchIsDurable(leaving, message.result.matchIndex);
        break;
      case 'heartbeatResponse':
        termIsDurable(leaving);
        matchIsDurable(leaving, message.matchIndex);
        break;
      case 'appendRequest':
      case 'heartbeatRequest':
      case 'timeoutNowRequest':
        termIsDurable(leaving);
        break;
      case 'preVoteRequest':
      case 'readIndexRequest':
      case 'readIndexResponse':
        break;
    }
  }

  /** The vote is on disk, and no other one of this term ever left this data directory. */
  #voteIsDurable({ node, term, text }: Leaving, candidate: InstanceId | undefined): void {
    const state = node.disk.durable.hardState;
    const votedFor = state?.votedFor?.instanceId;
    const durable = state?.term === term && votedFor !== undefined && votedFor === candidate;
    check(durable, () => `${text}: the vote is not on disk`);
    const key = `${node.instanceId} t${term}`;
    check((this.#votes.get(key) ?? votedFor) === votedFor, () => `${text}: it votes twice`);
    this.#votes.set(key, votedFor ?? '');
  }
}

function termIsDurable({ node, term, text }: Leaving): void {
  const durableTerm = node.disk.durable.hardState?.term ?? 0;
  check(durableTerm >= term, () => `${text}: the term is not on disk`);
}

/** What is acknowledged is on disk, still stands, and is what this term's leader has there. */
function matchIsDurable({ node, receiver, term, text }: Leaving, index: LogIndex): void {
  const { durable, latest } = node.disk;
  const { strategy } = node.settings;
  const counted = strategy === 'MemFirst' && !node.running.recovering ? latest : durable;
  const entry = counted.entries[index - 1];
  check(index === 0 || entry !== undefined, () => `${text}: entry ${index} is not on disk`);
  const stands = entry?.term === latest.entries[index - 1]?.term;
  check(stands, () => `${text}: entry ${index} was overwritten`);
  if (receiver?.raft?.role !== 'leader' || receiver.raft.term !== term) return;
  const theirs = receiver.disk.latest.entries[index - 1];
  check(theirs?.term === entry?.term, () => `${text}: the leader has another entry ${index}`);
  const promised = durable.hardState?.stickinessMs ?? 0;
  check(
    promised >= receiver.settings.electionTimeoutMinMs || node.running.role === 'learner',
    () => `${text}: the promised stickiness is not on disk`,
  );
}
