import { limits } from '@d-engine/base';
import { slowTransferMs } from './draw-snapshots.ts';
import { slownessMax } from './faults/disk-faults.ts';
import { clogMsMax } from './faults/network-faults.ts';
import { sleepTimeoutsMax } from './faults/process-faults.ts';
import type { FaultKind, Scenario } from './scenario.ts';
import { restartMs } from './supervisor.ts';

/** How long things may take once the faults are over, in virtual time. */
export interface LivenessBounds {
  /** Until what the faults left behind is gone: each member runs and serves. */
  readonly upMs: number;
  /** Until members that run follow one leader; and as long again for each thing asked of them. */
  readonly settledMs: number;
}

/** Opening a directory with the log of a minute, on the slowest of disks. */
const recoveryMs = 1_000;
/** What a minute leaves of long values. */
const longLogBytes = 4_000_000;
/** And of short ones, as messages. */
const shortLogBytes = 40_000;
/** Of each file of the log at a start, and as many questions for it: open, size, close. */
const readsPerFile = 3;
/** The longest back-offs, of a link between members and of its connection, and the way there. */
const reconnectMs = 2_000;
/**
 * One until somebody stands, and one more each time that two stood at once. Of the first 490 in 300
 * runs of the swarm, links included, half took none, since the leader stayed; 99% took less than
 * 1.7 and the longest 3.0. Each one more was about eight times as rare, so 5 is for 10,000 runs.
 */
const electionTimeouts = 5;

/** Made of what the faults of this very scenario can leave behind, and of what members need. */
export function livenessBounds(scenario: Scenario): LivenessBounds {
  const { faults, world, electionTimeoutMinMs, valueBytes, segmentBytes } = scenario;
  const { readMs, metadataMs } = world.disk;
  const ifAny = (kinds: readonly FaultKind[], ms: number): number =>
    faults.some((kind) => kinds.includes(kind)) ? ms : 0;
  const electionTimeoutMaxMs = electionTimeoutMinMs * 2;
  const sleepMs = ifAny(['suspend', 'stall'], electionTimeoutMinMs * sleepTimeoutsMax);
  // Whoever is asked to stop hands over first.
  const stopMs = ifAny(['gracefulStop'], electionTimeoutMaxMs);
  // What began on a slow disk or a slow link goes on as slowly to its end.
  // Of short values nothing is so long that its length matters; one write ends with its log file.
  const transferMs = valueBytes.length === 0 ? 0 : segmentBytes / world.disk.bytesPerMs;
  const slowDiskMs = ifAny(['slowDisk'], (world.disk.syncMs.max + transferMs) * slownessMax);
  const longLogMs =
    valueBytes.length === 0
      ? 0
      : longLogBytes / world.disk.bytesPerMs +
        (longLogBytes / segmentBytes) * (readsPerFile * (readMs.max + metadataMs.max));
  const slowLinkMs = ifAny(['clog', 'gracefulStop'], clogMsMax);
  // Whoever is behind the log gets a snapshot first, and another one if that was begun too early.
  const snapshotMs = scenario.snapshots.bandwidthMbpsMax > 0 ? 2 * slowTransferMs : 0;
  const lossProbability = world.network.unreliableStreams?.lossProbability ?? 0;
  const lostHelloMs = lossProbability > 0 ? limits.helloTimeoutMs : 0;
  return {
    upMs: sleepMs + stopMs + slowDiskMs + restartMs + recoveryMs + longLogMs,
    settledMs:
      electionTimeouts * electionTimeoutMaxMs +
      reconnectMs +
      snapshotMs +
      catchUpMs(scenario) +
      Math.max(slowDiskMs, slowLinkMs, lostHelloMs),
  };
}

/**
 * A member that was away for a minute is sent the log through a window, one of which goes there and
 * back at a time. For long values windows are drawn wide enough (`withWindowsFor`).
 */
function catchUpMs({ transport, wire, world, valueBytes }: Scenario): number {
  const windowBytes = wire.http2?.streamWindowBytes;
  if (transport !== 'bytes' || windowBytes === undefined || valueBytes.length > 0) return 0;
  return (shortLogBytes / windowBytes) * 2 * world.network.latencyMs.max;
}
