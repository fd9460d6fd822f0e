import { connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';

export interface GrpcAnswer {
  readonly httpStatus: number;
  /** Undefined when the connection or stream ended without one. */
  readonly grpcStatus: number | undefined;
  readonly grpcMessage: string;
  readonly leaderHint: string | undefined;
  readonly body: Buffer;
}

/** One unary call with any bytes, as a foreign client would send it. */
export function grpcCall(
  address: string,
  path: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`);
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const seen = new Map<string, string>();
    const note = (fields: Readonly<Record<string, unknown>>): void => {
      for (const [name, value] of Object.entries(fields)) seen.set(name, `${value as string}`);
    };
    const chunks: Buffer[] = [];
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('close', () => {
      session.destroy();
      const status = seen.get('grpc-status');
      resolve({
        httpStatus: Number(seen.get(':status')),
        grpcStatus: status === undefined ? undefined : Number(status),
        grpcMessage: decodeURIComponent(seen.get('grpc-message') ?? ''),
        leaderHint: seen.get('x-raft-leader'),
        body: Buffer.concat(chunks),
      });
    });
    stream.setTimeout(10_000, () => stream.close());
    stream.end(body);
  });
}

/** gRPC's frame around one message. */
export function framed(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** Sends bytes as they are; what came back until the other side closed, or for `waitMs`. */
export function sendBytes(address: string, bytes: Uint8Array, waitMs: number): Promise<Buffer> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const socket = connectSocket(Number(address.slice(colon + 1)), address.slice(0, colon));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A reset is one of the ways in which garbage may be answered.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => resolve(Buffer.concat(chunks)));
    socket.setTimeout(waitMs, () => socket.destroy());
    socket.write(bytes);
  });
}
