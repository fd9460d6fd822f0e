import type { Clock, Logger, Plane } from '@d-engine/base';
import type { LinkPeer } from './peer-link.ts';

/** A peer that stays away is mentioned this often. */
const repeatIntervalMs = 5_000;
/** Members of a cluster are started one after the other: so long, a missing one is no news. */
const startGraceMs = 2_000;

/**
 * Says when a peer's connection is lost and when it is back, at warn, as an operator greps for it;
 * a peer that stays away does not fill the log.
 */
export class PeerConnectionLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** When the loss of a link was last mentioned, by `peer/plane`. */
  readonly #mentionedAtMs = new Map<string, number>();
  readonly #startedAtMs: number;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#startedAtMs = clock.monotonicMs();
  }

  down(peer: LinkPeer, plane: Plane, reason: string, wasUp: boolean, retryInMs: number): void {
    const key = `${peer.id}/${plane}`;
    const now = this.#clock.monotonicMs();
    if (!wasUp && now - this.#startedAtMs < startGraceMs) return;
    const mentioned = this.#mentionedAtMs.get(key);
    if (!wasUp && mentioned !== undefined && now - mentioned < repeatIntervalMs) return;
    this.#mentionedAtMs.set(key, now);
    this.#logger.warn(
      `connection to peer ${peer.id} (${peer.address}) lost plane=${plane}: ` +
        `${withoutAddress(reason, peer)}, retry in ${retryInMs} ms`,
    );
  }

  up(peer: LinkPeer, plane: Plane): void {
    const wasLost = this.#mentionedAtMs.delete(`${peer.id}/${plane}`);
    const line = `connection to peer ${peer.id}`;
    if (wasLost) this.#logger.warn(`${line} restored plane=${plane}`);
    else this.#logger.info(`${line} established plane=${plane}`);
  }
}

/** The network names the address in its messages, and the line has it already. */
function withoutAddress(reason: string, { address }: LinkPeer): string {
  for (const prefix of [`cannot connect to ${address}: `, `connection to ${address} lost: `]) {
    if (reason.startsWith(prefix)) return reason.slice(prefix.length);
  }
  return reason;
}
