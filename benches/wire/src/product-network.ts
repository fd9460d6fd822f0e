import { loadConfig } from '../../../packages/d-engine/src/config/index.ts';
import { createRealEnv, type RealEnv } from '../../../packages/d-engine/src/env/index.ts';
import { networkOptions } from '../../../packages/d-engine/src/network-settings.ts';

/** Of the bench's own service: a stream; all others that it asks for are calls. */
export const chatMethod = 'bench.Service/Chat';
export const echoMethod = 'bench.Service/Echo';

/** The machine as a node has it, with the defaults of `[network.*]`. */
export function createProductEnv(): RealEnv {
  const { config } = loadConfig({
    dataDir: 'unused',
    environment: {},
    readFile: () => undefined,
  });
  const { grpc, ...rest } = networkOptions(config);
  const isStream = (method: string): boolean => method === chatMethod || method.includes('.peer.');
  return createRealEnv({ network: { ...rest, grpc: { ...grpc, isStream } } });
}
