import type { Instant } from '@d-engine/base';
import { assert } from '@d-engine/base';

/**
 * How many tokens back a send time is remembered. One a millisecond at most, reads apart: seconds,
 * while a lease that rests on an older one is long over.
 */
const rememberedMax = 4096;
/** Messages that leave within this time share a token; its send time is then a little too early. */
const sharedMs = 1;

/**
 * A leader's tokens: made per term, rising, never the caller's (design rule 5). A peer that echoes
 * one has heard this leader after the token's send time, and so confirms all older ones too.
 */
export class Tokens {
  readonly #monotonicMs: Float64Array = new Float64Array(rememberedMax);
  readonly #wallMs: Float64Array = new Float64Array(rememberedMax);
  #latest = 0;

  /** 0 before the first. */
  get latest(): number {
    return this.#latest;
  }

  /** A token that nothing has carried yet. */
  fresh(at: Instant): number {
    this.#latest += 1;
    const slot = this.#latest % rememberedMax;
    this.#monotonicMs[slot] = at.monotonicMs;
    this.#wallMs[slot] = at.wallMs;
    return this.#latest;
  }

  /** A token for a message that leaves now: the latest one if it is young enough. */
  current(at: Instant): number {
    const sent = this.sentAt(this.#latest);
    if (sent === undefined || at.monotonicMs >= sent.monotonicMs + sharedMs) return this.fresh(at);
    return this.#latest;
  }

  /** When `token` left first; undefined when that is too long ago to be remembered. */
  sentAt(token: number): Instant | undefined {
    assert(token <= this.#latest, () => `token ${token} was never made`);
    if (token < 1 || token <= this.#latest - rememberedMax) return undefined;
    const slot = token % rememberedMax;
    return {
      monotonicMs: this.#monotonicMs[slot] as number,
      wallMs: this.#wallMs[slot] as number,
    };
  }
}
