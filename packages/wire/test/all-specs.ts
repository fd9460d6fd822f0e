import type { MessageSpec } from './message-specs.ts';
import { clientSpecs, clusterSpecs, statusSpec } from './message-specs.ts';
import { peerSpecs } from './peer-specs.ts';

/** Every message of the wire. */
export const messageSpecs: MessageSpec[] = [
  ...clientSpecs,
  ...clusterSpecs,
  statusSpec,
  ...peerSpecs,
];
