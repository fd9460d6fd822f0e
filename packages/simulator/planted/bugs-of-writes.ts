import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const applier = 'packages/node/src/applier.ts';
const proposals = 'packages/node/src/proposals.ts';
const stateMachine = 'packages/storage/src/key-value-state-machine.ts';
const keySpace = 'packages/storage/src/state/key-space.ts';

/** What happens to a write on its way, and to the state. */
export const bugsOfWrites: readonly PlantedBug[] = [
  {
    name: 'states are compared as of the end of a batch',
    breaks: 'every member hashes its state exactly at the verify entry (design rule 16)',
    edits: [
      {
        file: applier,
        find: 'const entries = verify === -1 ? all : all.slice(0, verify + 1);',
        replace: `const entries = all;
    if (verify !== -1 && verify < all.length - 1) ${reached};`,
      },
      {
        file: applier,
        find: 'if (verify !== -1) this.#onVerifyApplied(last);',
        replace: 'if (verify !== -1) this.#onVerifyApplied(first.index + verify);',
      },
      {
        file: 'packages/node/src/divergence/state-verification.ts',
        find: 'assert(this.#stateMachine.appliedIndex === index,',
        replace: 'assert(true,',
      },
    ],
    foundBy: ['no member is called odd'],
  },
  {
    name: 'apply above the commit index',
    breaks: 'only what is committed is applied (Raft paper, section 5.3)',
    edits: [
      {
        file: applier,
        find: 'const to = Math.min(this.#raft.commitIndex, from + limits.applyBatchEntriesMax - 1);',
        replace: `if (this.#raft.durableIndex > this.#raft.commitIndex) ${reached};
    const to = Math.min(this.#raft.durableIndex, from + limits.applyBatchEntriesMax - 1);`,
      },
      {
        file: applier,
        find: 'assert(last <= this.#raft.commitIndex,',
        replace: 'assert(true,',
      },
      {
        file: 'packages/raft/src/raft.ts',
        find: 'assert(index <= core.commitIndex,',
        replace: 'assert(true,',
      },
    ],
    foundBy: ['state machine safety'],
  },
  {
    name: 'apply out of order',
    breaks: 'entries are applied in the order of the log (Raft paper, section 5.3)',
    edits: [
      {
        file: stateMachine,
        find: `for (const entry of entries) {
      results.push(this.#applyEntry(entry));`,
        replace: `if (entries.length > 1) ${reached};
    for (const entry of entries.toReversed()) {
      results.unshift(this.#applyEntry(entry));`,
      },
      {
        file: stateMachine,
        find: `assert(
      entry.index === this.#appliedIndex + 1,
      () => \`applying entry \${entry.index} after \${this.#appliedIndex}\`,
    );
    assert(
      entry.clusterTimeMs >= this.#clusterTimeMs,
      () => \`cluster time goes back to \${entry.clusterTimeMs} at entry \${entry.index}\`,
    );
    this.#appliedIndex = entry.index;
    this.#clusterTimeMs = entry.clusterTimeMs;`,
        replace: `this.#appliedIndex = Math.max(this.#appliedIndex, entry.index);
    this.#clusterTimeMs = Math.max(this.#clusterTimeMs, entry.clusterTimeMs);`,
      },
    ],
    foundBy: ['state machine safety'],
  },
  {
    name: 'apply twice',
    breaks: 'each entry is applied once (Raft paper, section 5.3)',
    edits: [
      {
        file: applier,
        find: "this.#state = 'reading';",
        replace: `${reached};`,
      },
    ],
    foundBy: ['no member dies'],
    assertions: ['applying '],
  },
  {
    name: 'a batch counts as one version',
    breaks: 'the state depends on the log alone, not on how it came',
    edits: [
      {
        file: stateMachine,
        find: 'if (!this.#collectEvents) return { results, events: noEvents };',
        replace: `if (entries.length > 1) {
      ${reached};
      this.#revisionBase += 1;
    }
    if (!this.#collectEvents) return { results, events: noEvents };`,
      },
    ],
    foundBy: ['state machine safety', 'watches miss nothing'],
  },
  {
    // Wrong in the middle of a batch only: its last entry puts the state right again.
    name: 'the cluster time moves on once a batch',
    breaks: 'the state depends on the log alone, at each index',
    edits: [
      { file: stateMachine, find: 'this.#clusterTimeMs = entry.clusterTimeMs;', replace: '' },
      {
        file: stateMachine,
        find: 'results.push(this.#applyEntry(entry));',
        replace: `results.push(this.#applyEntry(entry));
      if (entry === entries.at(-1)) this.#clusterTimeMs = entry.clusterTimeMs;
      else ${reached};`,
      },
    ],
    foundBy: ['state machine safety'],
  },
  {
    name: 'a state that depends on the node id',
    breaks: 'the same log makes the same state on all members',
    edits: [
      {
        file: 'packages/node/src/member-state.ts',
        find: 'readHistoryId: historyIdOf,',
        replace: `readHistoryId: (entry) => {
        ${reached};
        return historyIdOf(entry) + identity.nodeId;
      },`,
      },
    ],
    foundBy: ['state machine safety'],
  },
  {
    name: 'wrong mod revision',
    breaks: "a key's revision is that of its last write",
    edits: [
      {
        file: keySpace,
        find: 'meta.modRevision = numbers.modRevision;',
        replace: `meta.modRevision = isThere
      ? ((${reached}), this.#store.read(key)?.modRevision ?? numbers.modRevision)
      : numbers.modRevision;`,
      },
    ],
    foundBy: ['linearizability', 'watches miss nothing'],
  },
  {
    name: 'compare-and-swap ignores the expected value',
    breaks: 'a swap succeeds only on the value that it names',
    edits: [
      {
        file: keySpace,
        find: 'return expected !== null && this.#store.valueIs(expected);',
        replace: `${reached};
    return expected !== null;`,
      },
    ],
    foundBy: ['linearizability'],
  },
  {
    name: 'a forwarded write is taken twice',
    breaks: 'a message that comes twice writes once (rule 9)',
    edits: [
      {
        file: 'packages/node/src/peers/peer-session.ts',
        find: 'if (frame.forwardId <= this.#lastForwardId) return;',
        replace: `if (frame.forwardId <= this.#lastForwardId) ${reached};`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'a client repeats a write in doubt',
    breaks: 'only what was certainly not proposed is sent again (rule 9)',
    edits: [
      {
        file: 'packages/client/src/retry-policy.ts',
        find: "if (!isRepeatable && !failure.refused) return 'fail';",
        replace: `if (!isRepeatable && !failure.refused) ${reached};`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'a member repeats a forwarded write in doubt',
    breaks: 'only what was certainly not proposed is routed again (rule 9)',
    edits: [
      {
        file: 'packages/node/src/write-router.ts',
        find: "return write.session !== undefined && outcome.error.name === 'ProposeFailed';",
        replace: `if (outcome.error.name === 'ProposeFailed') {
      ${reached};
      return true;
    }
    return false;`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'another entry answers a write',
    breaks: 'a write is acknowledged by its own entry (Raft paper, figure 8)',
    edits: [
      {
        file: proposals,
        find: 'if (write.term !== entry.term) {',
        replace: `if (write.term !== entry.term) ${reached};
      if (result === undefined) {`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'a write is answered with the result of its neighbour',
    breaks: 'each write gets its own result',
    edits: [
      {
        file: applier,
        find: 'this.#proposals.settleApplied(entry, results[position]);',
        replace: `const own = results[position];
      const first = results.find((each) => each?.type === own?.type);
      if (first !== own) ${reached};
      this.#proposals.settleApplied(entry, first);`,
      },
    ],
    foundBy: ['revisions follow real time', 'linearizability'],
  },
  {
    name: 'a write that timed out is called without effect',
    breaks: 'a proposed write may still take effect (rule 9)',
    edits: [
      {
        file: proposals,
        find: `again';
    this.#settle(write, { ok: false, error: new DEngineError('ProposeFailed', message) });`,
        replace: `again';
    ${reached};
    this.#settle(write, { ok: false, error: new DEngineError('ClusterUnavailable', message) });`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
  {
    name: 'the apply loop sleeps on after a read from disk',
    breaks: 'what is committed is applied (lost wake-up)',
    edits: [
      {
        file: applier,
        find: "this.#state = 'ready';\n        this.#apply(entries);",
        replace: `${reached};
        this.#apply(entries);`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    name: 'a member with room refuses every third write',
    breaks: 'a write is refused for want of room only where there is none',
    edits: [
      {
        file: proposals,
        find: 'if (this.#pendingCount >= this.#pendingMax) {',
        replace: `const calls = ((this as { calls?: number }).calls ?? 0) + 1;
    (this as { calls?: number }).calls = calls;
    if (calls % 3 === 0) ${reached};
    if (calls % 3 === 0 || this.#pendingCount >= this.#pendingMax) {`,
      },
    ],
    foundBy: ['liveness'],
  },
];
