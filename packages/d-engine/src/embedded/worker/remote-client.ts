import type { ClientApi } from '@d-engine/base';
import { clientBy } from '../client-operations.ts';
import type { BridgeCaller } from './bridge-caller.ts';

/** The store of a member on another thread. */
export function remoteClient(bridge: BridgeCaller): ClientApi {
  return clientBy({
    call: (method, args) => bridge.call({ target: 'client', method, args }),
    iterate: (method, args) => bridge.iterate({ target: 'client', method, args }),
  });
}
