import type { Check, Step } from './check.ts';
import type { DurableEntries } from './durable-log.ts';
import type { MemberView } from './member-view.ts';
import type { SeenEntries } from './seen-entries.ts';

/**
 * What a member says to be durable is on the platter of its disk at that moment, byte for byte, and
 * there when it starts again, whatever happened to it.
 */
export class DurableSurvives implements Check {
  readonly name = 'durable survives a crash';
  readonly #seen: SeenEntries;

  constructor(seen: SeenEntries) {
    this.#seen = seen;
  }

  step(step: Step): string | undefined {
    return lostByCrash(step) ?? this.#notOnPlatter(step);
  }

  #notOnPlatter({ member, before, isNewLife, logChangedFrom }: Step): string | undefined {
    const { nodeId, durableIndex, firstLogIndex } = member;
    const unchanged = logChangedFrom === undefined ? before.lastLogIndex : logChangedFrom - 1;
    const known = isNewLife ? 0 : Math.min(before.durableIndex, unchanged);
    const isCut = firstLogIndex !== before.firstLogIndex;
    if (durableIndex <= known && !isCut) return undefined;
    const platter = member.durableLog();
    const problem = otherBeginning(member, platter);
    if (problem !== undefined) return problem;
    for (let index = Math.max(known + 1, firstLogIndex); index <= durableIndex; index++) {
      const term = member.termAt(index) ?? 0;
      const onPlatter = platter.at(index);
      const checksum = this.#seen.at(index, term)?.checksum ?? onPlatter?.checksum;
      if (onPlatter?.term === term && onPlatter.checksum === checksum) continue;
      const there = onPlatter === undefined ? 'nothing' : `an entry of term ${onPlatter.term}`;
      const said = `says that entry ${index} of term ${term} is durable`;
      return `node ${nodeId} ${said}; a power loss would leave ${there}`;
    }
    return undefined;
  }
}

/**
 * The log goes on after what a snapshot has. On the platter it may begin earlier, with the same
 * entries; after an install it begins anew, and nothing may be said to be durable before that.
 */
function otherBeginning(member: MemberView, platter: DurableEntries): string | undefined {
  const { nodeId, firstLogIndex, durableIndex } = member;
  const preceding = firstLogIndex - 1;
  if (preceding === 0 || durableIndex < preceding || platter.firstIndex === firstLogIndex) {
    return undefined;
  }
  const there = platter.firstIndex <= preceding ? platter.at(preceding)?.term : undefined;
  if (there === member.termAt(preceding)) return undefined;
  return `node ${nodeId} says that its log follows ${preceding}; that on the platter does not`;
}

/** Looked at before it hears a leader, who may rightly remove what was never committed. */
function lostByCrash({ member, before, isNewLife, logChangedFrom }: Step): string | undefined {
  if (!isNewLife || before.life === undefined) return undefined;
  const { nodeId, leaderId } = member;
  if (leaderId !== null && leaderId !== nodeId) return undefined;
  if (logChangedFrom === undefined || logChangedFrom > before.durableIndex) return undefined;
  // An install that the crash cut short: a snapshot has what is committed there.
  if (logChangedFrom < member.firstLogIndex) return undefined;
  const said = `said that entries up to ${before.durableIndex} were durable`;
  return `node ${nodeId} ${said}; after a restart entry ${logChangedFrom} is not there`;
}
