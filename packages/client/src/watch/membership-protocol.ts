import { DEngineError, MalformedMessage, type MembershipView } from '@d-engine/base';
import { decodeMembershipSnapshot, encodeWatchMembershipRequest, methods } from '@d-engine/wire';
import type { Accepted, StreamProtocol } from './stream-follower.ts';

/** Who is in the cluster: what another member tells again, or tells of earlier, is left out. */
export class MembershipProtocol implements StreamProtocol<MembershipView> {
  readonly method: string = methods.watchMembership;
  /** It changes seldom, and members say nothing in between. */
  readonly silentMsMax = undefined;
  readonly #clientId: number;
  #committedIndex = -1;

  constructor(clientId: number) {
    this.#clientId = clientId;
  }

  request(): Uint8Array {
    return encodeWatchMembershipRequest({ clientId: this.#clientId });
  }

  accept(message: Uint8Array): Accepted<MembershipView> {
    try {
      const { members: voters, learners, committedIndex } = decodeMembershipSnapshot(message);
      if (committedIndex <= this.#committedIndex) return {};
      this.#committedIndex = committedIndex;
      return { batch: { voters, learners, committedIndex } };
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const text = `the member's message cannot be read: ${error.message}`;
      return { end: new DEngineError('InvalidResponse', text, { cause: error }) };
    }
  }
}
