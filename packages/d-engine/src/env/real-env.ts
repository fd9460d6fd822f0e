import type { Env } from '@d-engine/base';
import { RealClock } from './real-clock.ts';
import { RealCompute } from './real-compute.ts';
import { RealDisk } from './real-disk.ts';
import { RealNetwork, type RealNetworkOptions } from './real-network.ts';
import { RealRandom } from './real-random.ts';
import { RealSchedule } from './real-schedule.ts';

export interface RealEnvOptions {
  readonly network?: RealNetworkOptions;
}

/** The machine that the process runs on. */
export interface RealEnv extends Env {
  readonly network: RealNetwork;
  /** Ends connections, ports and threads; nothing of the environment may be used after it. */
  close(): Promise<void>;
}

export function createRealEnv(options: RealEnvOptions = {}): RealEnv {
  const clock = new RealClock();
  const random = new RealRandom();
  const schedule = new RealSchedule();
  const compute = new RealCompute();
  const disk = new RealDisk();
  const network = new RealNetwork({ clock, random, schedule, compute }, options.network);
  return {
    clock,
    random,
    disk,
    compute,
    network,
    schedule,
    async close() {
      await network.close();
      await disk.close();
    },
  };
}
