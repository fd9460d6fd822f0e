import { unreachable } from '@d-engine/base';
import { formatConfiguration, formatEntries } from './format-entry.ts';
import { instanceName } from './names.ts';
import type { HardState, Notice, Persist, ReadOutcome, StateChange } from './raft-under-test.ts';

export function formatPersist(persist: Persist, before: HardState | undefined): string {
  const parts: string[] = [];
  if (persist.hardState !== undefined) parts.push(formatHardState(persist.hardState, before));
  if (persist.reset !== undefined) {
    parts.push(`begins after ${persist.reset.index}@${persist.reset.term}`);
  }
  if (persist.truncateFrom !== undefined) parts.push(`cut from ${persist.truncateFrom}`);
  if (persist.entries.length > 0) parts.push(`[${formatEntries(persist.entries)}]`);
  parts.push(`commit=${persist.commitIndex}`);
  return `writes #${persist.writeId}: ${parts.join(', ')}`;
}

/** Stickiness seldom changes, so it is shown only then. */
export function formatHardState(state: HardState, before: HardState | undefined): string {
  const vote = state.votedFor === null ? 'none' : instanceName(state.votedFor.instanceId);
  const known = before?.stickinessMs === state.stickinessMs;
  return `t${state.term} vote=${vote}${known ? '' : ` stickiness=${state.stickinessMs}`}`;
}

export function formatStateChange(change: StateChange): string {
  const leader = change.leaderId === null ? 'none' : `n${change.leaderId}`;
  const text = `is ${change.role} t${change.term} leader=${leader}`;
  const why = change.steppedDownBecause;
  return why === undefined ? text : `${text} (${why})`;
}

export function formatRead(outcome: ReadOutcome): string {
  if (outcome.type === 'refused') return `read ${outcome.readId} refused`;
  return `read ${outcome.readId} ready at ${outcome.index}`;
}

export function formatNotice(notice: Notice): string {
  switch (notice.type) {
    case 'formed':
      return `notice: formed at ${notice.index}`;
    case 'memberBound':
      return `notice: n${notice.nodeId} bound as ${instanceName(notice.instanceId)}`;
    case 'memberRefused':
      return `notice: ${instanceName(notice.instanceId)} refused, ${notice.reason}`;
    case 'formationStopped':
      return `notice: formation stopped by n${notice.nodeId}, ${notice.reason}`;
    case 'transferTimedOut':
      return `notice: transfer to n${notice.target} timed out`;
    case 'membersChanged':
      return `notice: members ${formatConfiguration(notice.configuration)} by ${notice.index}`;
    case 'removed':
      return `notice: removed by ${notice.index}`;
    case 'recovered':
      return 'notice: recovered';
    case 'possibleDataLoss':
      return `notice: POSSIBLE DATA LOSS above ${notice.index}`;
    case 'historyGivenUp':
      return `notice: what stands from ${notice.index} on was given up`;
    default:
      return unreachable(notice, 'notice');
  }
}
