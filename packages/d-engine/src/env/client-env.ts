import type { Env } from '@d-engine/base';
import { createHttp2Network, type Http2Network, type NetworkOptions } from './http2-network.ts';
import { RealClock } from './real-clock.ts';
import { RealRandom } from './real-random.ts';

/** What a client needs of the machine: no disk and no threads. */
export interface ClientEnv extends Pick<Env, 'clock' | 'random'> {
  readonly network: Http2Network;
}

export function createClientEnv(options: NetworkOptions = {}): ClientEnv {
  return {
    clock: new RealClock(),
    random: new RealRandom(),
    network: createHttp2Network(options),
  };
}
