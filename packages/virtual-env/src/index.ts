export type { DiskCounters } from './disk/disk-counters.ts';
export type { DiskFault, DiskOperation } from './disk/disk-faults.ts';
export { diskOperations } from './disk/disk-faults.ts';
export type { FailedOperation } from './disk/disk-machine.ts';
export type { VirtualDisk } from './disk/virtual-disk.ts';
export type { DrainMode } from './drain.ts';
export { drawOptions } from './draw-options.ts';
export type { CrashOptions, SuspendOptions, VirtualHost } from './host.ts';
export type { LinkCounters } from './network/link.ts';
export type {
  ByteStreamOptions,
  ClockOptions,
  ComputeOptions,
  DiskOptions,
  NetworkOptions,
  Range,
  ScheduleOptions,
  UnreliableStreams,
  WorldOptions,
  WorldOverrides,
} from './options.ts';
export { defaultWorldOptions } from './options.ts';
export type { UncaughtHandler } from './pump.ts';
export { SeededRandom } from './seeded-random.ts';
export type { TraceEvent, TraceKind, TraceSink } from './trace.ts';
export { formatTraceEvent, traceKinds } from './trace.ts';
export type { HostOptions, HostOrName, RunGoal, WorldSettings } from './world.ts';
export { VirtualWorld } from './world.ts';
