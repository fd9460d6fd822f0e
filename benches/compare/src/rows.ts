export interface Row {
  readonly name: string;
  readonly operation: 'put' | 'linearizable' | 'eventual';
  readonly connections: number;
  /** Calls under way at once on each connection. */
  readonly streams: number;
}

const loads = [
  { connections: 1, streams: 1 },
  { connections: 10, streams: 10 },
  { connections: 200, streams: 5 },
];

/** Puts first: the reads read what they wrote. */
export const rows: readonly Row[] = (['put', 'linearizable', 'eventual'] as const).flatMap(
  (operation) =>
    loads.map((load) => ({
      ...load,
      name: `${operation} ${load.connections}x${load.streams}`,
      operation,
    })),
);
