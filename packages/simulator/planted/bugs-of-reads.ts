import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const raft = 'packages/raft/src/raft.ts';
const lease = 'packages/raft/src/lease.ts';
const reads = 'packages/raft/src/reads.ts';

/** Leases and the confirmation of reads. */
export const bugsOfReads: readonly PlantedBug[] = [
  {
    name: 'lease from the newest send time',
    breaks: 'a lease rests on what a quorum acknowledged (rule 4)',
    edits: [
      {
        file: raft,
        find: 'leader.tokens.sentAt(quorumToken(core, leader))',
        replace: `(${reached}, leader.tokens.sentAt(leader.tokens.latest))`,
      },
    ],
    foundBy: ['lease needs a quorum of send times'],
  },
  {
    name: 'lease on the wall clock',
    breaks: 'a clock that is set back makes no lease longer (rule 4)',
    edits: [
      {
        file: lease,
        find: 'const elapsedMs = at.monotonicMs - sentAt.monotonicMs;',
        replace: `${reached};
  const elapsedMs = at.wallMs - sentAt.wallMs;`,
      },
      {
        file: lease,
        find: 'if (elapsedMs < 0) return false;',
        replace: '',
      },
    ],
    foundBy: ['lease needs a quorum of send times'],
  },
  {
    name: 'lease through a suspend',
    breaks: 'a lease ends while the machine sleeps (rule 4)',
    edits: [
      {
        file: lease,
        find: 'return apartMs <= leaseMarginMs(stickinessMs) / 2;',
        replace: `if (apartMs > leaseMarginMs(stickinessMs) / 2) ${reached};
  return true;`,
      },
    ],
    foundBy: ['lease needs a quorum of send times'],
  },
  {
    name: 'lease after TimeoutNow',
    breaks: 'whoever told another to campaign has no lease any more (rule 4)',
    edits: [
      {
        file: raft,
        find: 'if (leader === undefined || leader.timeoutNowSent) return false;',
        replace: `if (leader === undefined) return false;
    if (leader.timeoutNowSent) ${reached};`,
      },
    ],
    foundBy: ['lease needs a quorum of send times'],
  },
  {
    name: 'a read without a round',
    breaks: 'a quorum confirms each read (dissertation, 6.4)',
    edits: [
      {
        file: reads,
        find: 'if (isOnlyVoter(core.configuration, core.self)) {\n    // Rounds',
        replace: `{
    ${reached};
    // Rounds`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'reuse of a read token',
    breaks: 'what left before a read came cannot confirm it (rule 5)',
    edits: [
      {
        file: reads,
        find: `const token = leader.tokens.fresh(at);
  reads.startRound(token, at.monotonicMs);`,
        replace: `const echoed = quorumToken(core, leader);
  if (echoed > 0) ${reached};
  const token = echoed > 0 ? echoed : leader.tokens.fresh(at);
  reads.startRound(token, at.monotonicMs);`,
      },
      {
        file: 'packages/raft/src/read-index.ts',
        find: "assert(newest === undefined || token > newest.token, 'tokens rise');",
        replace: '',
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'read index before the own no-op',
    breaks: 'a new leader does not know yet what is committed (dissertation, 6.4)',
    edits: [
      {
        file: reads,
        find: 'const ready = core.commitIndex >= leader.noopIndex;',
        replace: `if (core.commitIndex < leader.noopIndex) ${reached};
  const ready = true;`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'a read that waits for its own token only',
    breaks: 'a newer token confirms an older round; else its reads wait for ever (rule 5)',
    edits: [
      {
        file: 'packages/raft/src/read-index.ts',
        find: 'if (oldest.token > token) break;',
        replace: `if (oldest.token < token) ${reached};
      if (oldest.token !== token && token !== Number.POSITIVE_INFINITY) break;`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    name: 'a read that nobody wakes',
    breaks: 'each read is answered, at the latest when its time is over',
    edits: [
      {
        file: 'packages/node/src/reads.ts',
        find: 'if (this.#isDue(read)) this.#answer(read);\n    else this.#waitingForApply.add(read);',
        replace: `if (this.#isDue(read)) return this.#answer(read);
    ${reached};
    this.#deadlines.remove(read);`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    name: 'a read before what it waits for is applied',
    breaks: 'a read sees all that was committed when it came (dissertation, 6.4)',
    edits: [
      {
        file: 'packages/node/src/reads.ts',
        find: 'if (this.#state.appliedIndex < read.index) return false;',
        replace: `if (this.#state.appliedIndex < read.index) ${reached};`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'an eventual read tells the revision of its key',
    breaks: 'the revision that a read tells is that of the state it saw',
    edits: [
      {
        file: 'packages/node/src/reads.ts',
        find: 'this.#settle(read, { ok: true, view });',
        replace: `const isEventual = read.request.consistency === 'eventual';
    const ofKey = isEventual ? view.entries[0]?.modRevision : undefined;
    if (ofKey !== undefined) ${reached};
    this.#settle(read, { ok: true, view: { ...view, revision: ofKey ?? view.revision } });`,
      },
    ],
    foundBy: ['eventual reads are monotonic'],
  },
  {
    name: 'lease before the own no-op is applied',
    breaks: 'a new leader does not know yet what is committed (rule 4)',
    edits: [
      {
        file: raft,
        find: 'if (core.appliedIndex < leader.noopIndex) return false;',
        replace: `if (core.appliedIndex < leader.noopIndex) ${reached};`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'a follower answers linearizable reads alone',
    breaks: 'a quorum confirms each read (dissertation, 6.4)',
    edits: [
      {
        file: reads,
        find: '? core.leaderId !== null && core.forwardedReads.add(readId)',
        replace: `? ((${reached}), core.outbox.readReady(readId, core.commitIndex), true)`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'the margin makes a lease longer',
    breaks: 'a lease ends before the promise of the voters does (rule 4)',
    edits: [
      {
        file: lease,
        find: 'return Math.min(leaseDurationMs, stickinessMs - leaseMarginMs(stickinessMs));',
        replace: `${reached};
  return Math.max(leaseDurationMs, stickinessMs + leaseMarginMs(stickinessMs));`,
      },
    ],
    foundBy: ['lease needs a quorum of send times'],
  },
];
