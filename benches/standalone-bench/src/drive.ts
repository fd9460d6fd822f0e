import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import type { ConnectedClient, Consistency } from 'd-engine/client';
import { connect, DEngineError } from 'd-engine/client';
import type { KeyMaker } from './keys.ts';

export interface DriveOptions {
  readonly endpoints: readonly string[];
  readonly conns: number;
  readonly clients: number;
  readonly total: number;
  readonly operation: 'put' | Consistency;
  readonly keyOf: KeyMaker;
  readonly value: Uint8Array;
}

export interface DriveResult {
  readonly elapsedMs: number;
  readonly succeeded: number;
  /** How often each error was met. */
  readonly failures: ReadonlyMap<string, number>;
  /** Of the successful requests, in microseconds. */
  readonly latencies: RecordableHistogram;
}

/** Keeps `clients` requests under way until `total` are done; failures are counted, not hidden. */
export async function drive(options: DriveOptions): Promise<DriveResult> {
  const { endpoints, conns, clients, total, operation, keyOf, value } = options;
  const connections = Array.from({ length: conns }, () => connect({ endpoints }));
  await Promise.all(connections.map((connection) => connection.status()));
  // The first write finds the leader; it is not measured.
  await Promise.all(connections.map((connection) => connection.put('bench-warm-up', 'x')));
  const latencies = createHistogram();
  const failures = new Map<string, number>();
  let next = 0;
  let succeeded = 0;
  const worker = async (connection: ConnectedClient): Promise<void> => {
    while (next < total) {
      const key = keyOf(next++);
      const startedAtMs = performance.now();
      try {
        if (operation === 'put') await connection.put(key, value);
        else await connection.get(key, { consistency: operation });
        latencies.record(Math.max(1, Math.round((performance.now() - startedAtMs) * 1000)));
        succeeded += 1;
      } catch (error) {
        if (!(error instanceof DEngineError)) throw error;
        failures.set(error.name, (failures.get(error.name) ?? 0) + 1);
      }
    }
  };
  const startedAtMs = performance.now();
  const workers = Array.from({ length: Math.max(clients, conns) }, (_, index) =>
    worker(connections[index % conns] as ConnectedClient),
  );
  await Promise.all(workers);
  const elapsedMs = performance.now() - startedAtMs;
  await Promise.all(connections.map((connection) => connection.close()));
  return { elapsedMs, succeeded, failures, latencies };
}
