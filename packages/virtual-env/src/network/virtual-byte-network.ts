import type {
  Address,
  ByteListener,
  ByteNetwork,
  ByteStream,
  ByteStreamHandler,
} from '@d-engine/base';
import { parseAddress } from './address.ts';
import { VirtualByteListener } from './byte-listener.ts';
import { VirtualByteStream } from './byte-stream.ts';
import type { ChannelOrigin } from './channel.ts';
import { Connection } from './connection.ts';
import { claimPort } from './port-claim.ts';

/** Streams of bytes as one life of a host sees them, over the same links as whole messages. */
export class VirtualByteNetwork implements ByteNetwork {
  readonly #origin: ChannelOrigin;

  constructor(origin: ChannelOrigin) {
    this.#origin = origin;
  }

  listen(
    address: Address,
    onConnection: (stream: ByteStream) => ByteStreamHandler,
  ): Promise<ByteListener> {
    const { kernel, node, life } = this.#origin;
    // What the executor throws rejects the promise.
    return new Promise((resolve) => {
      if (!life.alive) return;
      const claim = claimPort(node, address);
      const listener = new VirtualByteListener(kernel, node, life, claim, onConnection);
      kernel.post(0, life, () => resolve(listener));
    });
  }

  connect(address: Address, handler: ByteStreamHandler): ByteStream {
    const { kernel, fabric, node, life, clock } = this.#origin;
    if (!life.alive) return deadStream;
    const { host, port } = parseAddress(address);
    const target = fabric.resolve(host, node);
    const timeoutMs = clock.virtualDelayMs(kernel.options.network.connectTimeoutMs);
    const wire = new Connection(kernel, fabric, node, life, target, port, timeoutMs, 'bytes');
    const stream = new VirtualByteStream(kernel, wire.client, node.name, host);
    stream.begin(handler);
    return stream;
  }
}

const nothing = (): void => undefined;

const deadStream: ByteStream = Object.freeze({
  localHost: undefined,
  bufferedBytes: 0,
  write: () => false,
  end: nothing,
  destroy: nothing,
  pause: nothing,
  resume: nothing,
});
