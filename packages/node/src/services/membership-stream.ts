import type { IncomingStream, MembershipView, StreamHandler } from '@d-engine/base';
import { MalformedMessage } from '@d-engine/base';
import {
  decodeWatchMembershipRequest,
  encodeMembershipSnapshot,
  toDEngineError,
  toFailure,
} from '@d-engine/wire';
import type { LatestValue } from '../watch/latest-value.ts';

/** The original's `WatchMembership`: who is in the cluster, at once and after each change. */
export class MembershipStream implements StreamHandler {
  readonly #stream: IncomingStream;
  readonly #membership: LatestValue<MembershipView>;
  #stop: (() => void) | undefined;
  #seen = -1;
  #isBlocked = false;

  constructor(stream: IncomingStream, membership: LatestValue<MembershipView>) {
    this.#stream = stream;
    this.#membership = membership;
  }

  onMessage(message: Uint8Array): void {
    try {
      decodeWatchMembershipRequest(message);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const problem = `unreadable request: ${error.message}`;
      this.#stream.reset({ status: 'invalidArgument', message: problem });
      return;
    }
    this.#stop ??= this.#membership.watch(() => this.#tell());
    this.#tell();
  }

  onDrain(): void {
    this.#isBlocked = false;
    this.#tell();
  }

  onClose(): void {
    this.#stop?.();
  }

  #tell(): void {
    const { failure, value, version } = this.#membership;
    if (failure !== undefined) {
      this.#stream.reset(toFailure(toDEngineError(failure)));
      return;
    }
    if (this.#isBlocked || this.#seen === version) return;
    this.#seen = version;
    const { voters: members, learners, committedIndex } = value;
    const snapshot = encodeMembershipSnapshot({ members, learners, committedIndex });
    this.#isBlocked = !this.#stream.send(snapshot);
  }
}
