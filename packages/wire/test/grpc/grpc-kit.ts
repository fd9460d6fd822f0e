import type {
  Failure,
  IncomingCall,
  IncomingStream,
  Metadata,
  Service,
  StatusError,
  StreamHandler,
} from '@d-engine/base';
import type { GrpcListener } from '../../src/grpc/grpc-listener.ts';
import { GrpcNetwork } from '../../src/grpc/grpc-network.ts';
import type { NetworkOptions } from '../../src/grpc/network-options.ts';
import { TestWorld } from '../http2/test-world.ts';

export const echo = 'test.Service/Echo';
export const never = 'test.Service/Never';
export const streamEcho = 'test.Service/StreamEcho';
export const deadlineMs = 5_000;

/** What a stream's handler heard. */
export class Recorder implements StreamHandler {
  readonly messages: Uint8Array[] = [];
  readonly closes: (Failure | undefined)[] = [];
  drains = 0;
  onEach: (message: Uint8Array) => void = () => undefined;

  onMessage(message: Uint8Array): void {
    this.messages.push(message);
    this.onEach(message);
  }

  onDrain(): void {
    this.drains += 1;
  }

  onClose(failure: Failure | undefined): void {
    this.closes.push(failure);
  }
}

/** Echoes calls unless told otherwise; takes every stream. */
export class TestService implements Service {
  readonly calls: IncomingCall[] = [];
  readonly streams: { readonly stream: IncomingStream; readonly recorder: Recorder }[] = [];
  answerMetadata: Metadata | undefined;

  onCall(call: IncomingCall): void {
    this.calls.push(call);
    if (call.method === echo) call.reply(call.request, this.answerMetadata);
  }

  onStream(stream: IncomingStream): StreamHandler {
    const recorder = new Recorder();
    if (stream.method === streamEcho) recorder.onEach = (message) => stream.send(message);
    this.streams.push({ stream, recorder });
    return recorder;
  }
}

export interface GrpcSite {
  readonly world: TestWorld;
  readonly network: GrpcNetwork;
  readonly service: TestService;
  readonly listener: GrpcListener;
}

export const address = '10.0.0.1:9000';

export async function startSite(options: NetworkOptions = {}): Promise<GrpcSite> {
  const world = new TestWorld();
  const network = new GrpcNetwork(world, world.bytes, {
    isStream: (method) => method.includes('/Stream'),
    ...options,
  });
  const service = new TestService();
  const listener = await network.listen(address, service);
  return { world, network, service, listener };
}

/** What became of a call, as it stands. */
export interface Outcome {
  message?: Uint8Array;
  metadata?: Metadata;
  error?: StatusError;
}

export function watch(call: ReturnType<ReturnType<GrpcNetwork['connect']>['call']>): Outcome {
  const outcome: Outcome = {};
  call.then(
    (answer) => Object.assign(outcome, answer),
    (error: unknown) => Object.assign(outcome, { error }),
  );
  return outcome;
}
