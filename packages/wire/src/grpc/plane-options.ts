import type { Plane } from '@d-engine/base';
import type { Http2Options } from '../http2/http2-options.ts';
import { planes } from '../planes.ts';

/** What the connections of one plane may be told, at both of their ends. */
export interface PlaneOptions {
  /** Until the peer's first SETTINGS are here; see {@link Patience}. */
  readonly connectTimeoutMs: number;
  /**
   * A call has its answer within this, a stream is taken up by the peer within this; 0: no bound
   * of the plane's own.
   */
  readonly requestTimeoutMs: number;
  readonly http2: Partial<Http2Options>;
}

/** The number by which a calling side names a plane; 0 is none. */
export function purposeOf(plane: Plane | undefined): number {
  return plane === undefined ? 0 : planes.indexOf(plane) + 1;
}

export function planeOfPurpose(purpose: number): Plane | undefined {
  return planes[purpose - 1];
}
