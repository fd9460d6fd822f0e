import type { DurationKey, IntegerKey } from './key-declaration.ts';

export interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
}

/** What timers of Node can wait; a longer one would fire at once. */
const timerMsMax = 2_147_483_647;
const timerSecondsMax = 2_147_483;

export function boundsOf(declaration: IntegerKey | DurationKey): Bounds {
  return {
    minimum: declaration.minimum ?? 0,
    maximum: declaration.maximum ?? defaultMaximum(declaration),
  };
}

function defaultMaximum(declaration: IntegerKey | DurationKey): number {
  if (declaration.type === 'duration' || declaration.unit === 'ms') return timerMsMax;
  return declaration.unit === 's' ? timerSecondsMax : Number.MAX_SAFE_INTEGER;
}

/** `at least 1`, or `from 1 to 65535`. */
export function describeBounds({ minimum, maximum }: Bounds): string {
  const open = maximum === Number.MAX_SAFE_INTEGER;
  return open ? `at least ${minimum}` : `from ${minimum} to ${maximum}`;
}

/** As {@link describeBounds}, for readers: what no timer can wait for anyway is left out. */
export function describeDeclaredBounds(declaration: IntegerKey | DurationKey): string {
  const { minimum } = boundsOf(declaration);
  const maximum = declaration.maximum ?? Number.MAX_SAFE_INTEGER;
  return describeBounds({ minimum, maximum });
}
