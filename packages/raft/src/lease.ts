import type { Instant } from '@d-engine/base';

/** Two clocks that run apart by less than this over a stickiness do no harm (design rule 4). */
export function leaseMarginMs(stickinessMs: number): number {
  return Math.max(stickinessMs * 0.1, 50);
}

/** How long after a send time that a quorum acknowledged nobody else can be elected. */
export function leaseLengthMs(leaseDurationMs: number, stickinessMs: number): number {
  return Math.min(leaseDurationMs, stickinessMs - leaseMarginMs(stickinessMs));
}

/**
 * Whether a lease that rests on messages sent at `sentAt`, which a quorum acknowledged, holds at
 * `at`. Computed at use, never stored as a deadline.
 *
 * The clocks are compared with the *send* time, not the time of the acknowledgement: after a
 * suspend of the machine, in which the monotonic clock may stand still, old acknowledgements wait
 * in the sockets' buffers.
 */
export function leaseHolds(
  sentAt: Instant,
  at: Instant,
  leaseDurationMs: number,
  stickinessMs: number,
): boolean {
  const elapsedMs = at.monotonicMs - sentAt.monotonicMs;
  if (elapsedMs < 0) return false;
  if (elapsedMs >= leaseLengthMs(leaseDurationMs, stickinessMs)) return false;
  const apartMs = Math.abs(at.wallMs - sentAt.wallMs - elapsedMs);
  return apartMs <= leaseMarginMs(stickinessMs) / 2;
}
