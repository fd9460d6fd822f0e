import type { Check, Step } from './check.ts';

/**
 * What a member said to be durable is there when it starts again, whatever happened to it. Looked
 * at before it hears a leader, who may rightly remove what was never committed.
 */
export class DurableSurvives implements Check {
  readonly name = 'durable survives a crash';

  step({ member, before, isNewLife, logChangedFrom }: Step): string | undefined {
    if (!isNewLife || before.life === undefined) return undefined;
    const { nodeId, leaderId } = member;
    if (leaderId !== null && leaderId !== nodeId) return undefined;
    if (logChangedFrom === undefined || logChangedFrom > before.durableIndex) return undefined;
    const said = `said that entries up to ${before.durableIndex} were durable`;
    return `node ${nodeId} ${said}; after a restart entry ${logChangedFrom} is not there`;
  }
}
