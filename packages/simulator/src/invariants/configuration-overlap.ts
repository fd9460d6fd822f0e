import type { Check, Step } from './check.ts';
import type { MemberView } from './member-view.ts';
import { overlap } from './quorums.ts';

/** Any quorum of any member's configuration meets any quorum of any other's. */
export class ConfigurationOverlap implements Check {
  readonly name = 'configuration overlap';
  readonly #running: () => Iterable<MemberView>;

  constructor(running: () => Iterable<MemberView>) {
    this.#running = running;
  }

  step({ member, before }: Step): string | undefined {
    if (member.configuration === before.configuration) return undefined;
    for (const other of this.#running()) {
      if (other.configuration === member.configuration) continue;
      if (overlap(member.configuration, other.configuration)) continue;
      return `nodes ${member.nodeId} and ${other.nodeId} could decide apart from one another`;
    }
    return undefined;
  }
}
