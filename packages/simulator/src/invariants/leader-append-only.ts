import type { Check, Step } from './check.ts';

/** A leader never overwrites or removes entries of its own log (Raft paper, figure 3). */
export class LeaderAppendOnly implements Check {
  readonly name = 'leader append-only';

  step({ member, before, isNewLife, logChangedFrom }: Step): string | undefined {
    if (isNewLife || logChangedFrom === undefined) return undefined;
    const leads = member.role === 'leader' && before.role === 'leader';
    if (!leads || member.term !== before.term || logChangedFrom > before.lastLogIndex) {
      return undefined;
    }
    return `node ${member.nodeId}, leader of term ${member.term}, changed entry ${logChangedFrom}`;
  }
}
