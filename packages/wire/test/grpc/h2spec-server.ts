import { GrpcNetwork } from '../../src/grpc/grpc-network.ts';
import { socketByteNetwork } from '../http2/socket-byte-stream.ts';
import { realParts } from './real-parts.ts';

// A listener of ours with nothing behind it, for h2spec: see tools/h2spec.

const network = new GrpcNetwork(realParts, socketByteNetwork, {
  isStream: () => false,
  requestBytesMax: () => 1024 * 1024,
});
const listener = await network.listen('127.0.0.1:0', {
  onCall: (call) => call.reply(new Uint8Array(5)),
  onStream: () => ({ status: 'unimplemented', message: 'no streams here' }),
});
process.stdout.write(`port ${listener.address.split(':')[1]}\n`);
