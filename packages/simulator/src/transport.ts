import type { Env } from '@d-engine/base';
import type { VirtualHost } from '@d-engine/virtual-env';
import { GrpcNetwork } from '@d-engine/wire';
import type { Scenario } from './scenario.ts';
import { WireWatch } from './wire-watch.ts';

/**
 * What the process that runs on a host sees. Whole messages come from the virtual network itself;
 * bytes go through the codec that users run, one for each process, as it would be.
 */
export function envOf(
  host: VirtualHost,
  { transport, wire }: Scenario,
  onBroken: (text: string) => void,
): Env {
  const { env, name } = host;
  switch (transport) {
    case 'messages':
      return env;
    case 'bytes':
      return {
        ...env,
        network: new GrpcNetwork(env, new WireWatch(name, host.byteNetwork, onBroken), wire),
      };
  }
}
