import type { Clock, Compute, Disk, Env, Random, Schedule } from '@d-engine/base';
import { createHttp2Network, type Http2Network, type NetworkOptions } from './http2-network.ts';
import { RealClock } from './real-clock.ts';
import { RealCompute } from './real-compute.ts';
import { RealDisk } from './real-disk.ts';
import { RealRandom } from './real-random.ts';

export interface RealEnvOptions {
  readonly network?: NetworkOptions;
}

/** The machine that the process runs on. */
export interface RealEnv extends Env {
  readonly network: Http2Network;
  /** Ends connections, ports and threads; nothing of the environment may be used after it. */
  close(): Promise<void>;
}

export function createRealEnv(options: RealEnvOptions = {}): RealEnv {
  const clock: Clock = new RealClock();
  const random: Random = new RealRandom();
  const disk = new RealDisk();
  const compute: Compute = new RealCompute();
  const network = createHttp2Network(options.network);
  return {
    clock,
    random,
    disk: disk satisfies Disk,
    compute,
    network,
    schedule,
    async close() {
      await network.close();
      await disk.close();
    },
  };
}

const schedule: Schedule = {
  // The phase after polling: sockets, files and timers had their turn when it comes.
  afterPoll: (callback) => {
    setImmediate(callback);
  },
};
