import type { Check, Step } from './check.ts';
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
    const { nodeId, durableIndex } = member;
    const unchanged = logChangedFrom === undefined ? before.lastLogIndex : logChangedFrom - 1;
    const known = isNewLife ? 0 : Math.min(before.durableIndex, unchanged);
    if (durableIndex <= known) return undefined;
    const platter = member.durableLog();
    for (let index = known + 1; index <= durableIndex; index++) {
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

/** Looked at before it hears a leader, who may rightly remove what was never committed. */
function lostByCrash({ member, before, isNewLife, logChangedFrom }: Step): string | undefined {
  if (!isNewLife || before.life === undefined) return undefined;
  const { nodeId, leaderId } = member;
  if (leaderId !== null && leaderId !== nodeId) return undefined;
  if (logChangedFrom === undefined || logChangedFrom > before.durableIndex) return undefined;
  const said = `said that entries up to ${before.durableIndex} were durable`;
  return `node ${nodeId} ${said}; after a restart entry ${logChangedFrom} is not there`;
}
