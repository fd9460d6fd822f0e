import { GrpcNetwork } from '../../src/grpc/grpc-network.ts';
import { socketByteNetwork } from '../http2/socket-byte-stream.ts';
import { FourKinds, isFourKindsStream } from './four-kinds.ts';
import { realParts } from './real-parts.ts';

// A listener of ours with all kinds of calls, for foreign clients: see tools/grpcpeer.

const network = new GrpcNetwork(realParts, socketByteNetwork, {
  isStream: isFourKindsStream,
  requestBytesMax: () => 8 * 1024 * 1024,
  compression: () => 'gzip',
});
const listener = await network.listen('127.0.0.1:0', new FourKinds());
process.stdout.write(`port ${listener.address.split(':')[1]}\n`);
