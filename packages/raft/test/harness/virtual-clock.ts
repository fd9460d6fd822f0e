import type { Instant, NodeId } from '@d-engine/base';

/** 2025-01-01: any date will do, as long as it is not 0. */
const wallStartMs = 1_735_689_600_000;
const monotonicStartMs = 1_000_000;

/**
 * One monotonic clock for all nodes: a script lets a node be slow by not ticking it. Wall clocks
 * are one for each node, because they may jump.
 */
export class VirtualClock {
  #elapsedMs = 0;
  readonly #wallOffsetMs = new Map<NodeId, number>();

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  at(node: NodeId): Instant {
    return {
      monotonicMs: monotonicStartMs + this.#elapsedMs,
      wallMs: wallStartMs + this.#elapsedMs + (this.#wallOffsetMs.get(node) ?? 0),
    };
  }

  /** Translates what `nextTickAtMs` answers to time since the start of the script. */
  elapsedAt(monotonicMs: number): number {
    return monotonicMs - monotonicStartMs;
  }

  moveTo(elapsedMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, elapsedMs);
  }

  jumpWall(node: NodeId, byMs: number): void {
    this.#wallOffsetMs.set(node, (this.#wallOffsetMs.get(node) ?? 0) + byMs);
  }
}
