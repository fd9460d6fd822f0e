import type { Env } from '@d-engine/base';
import { RealClock } from './real-clock.ts';
import { RealCompute } from './real-compute.ts';
import { RealNetwork, type RealNetworkOptions } from './real-network.ts';
import { RealRandom } from './real-random.ts';
import { RealSchedule } from './real-schedule.ts';

/** What a client needs of the machine: no disk. */
export interface ClientEnv extends Pick<Env, 'clock' | 'random'> {
  readonly network: RealNetwork;
}

export function createClientEnv(options: RealNetworkOptions = {}): ClientEnv {
  const clock = new RealClock();
  const random = new RealRandom();
  const schedule = new RealSchedule();
  const compute = new RealCompute();
  return { clock, random, network: new RealNetwork({ clock, random, schedule, compute }, options) };
}
