import type {
  Channel,
  Clock,
  InstanceId,
  MessageStream,
  Network,
  NodeId,
  Plane,
  StreamHandler,
  Term,
} from '@d-engine/base';
import type { PeerFrame } from '@d-engine/wire';
import { decodePeerFrame, planeOfMethod } from '@d-engine/wire';

/** The newest answer of a member to the one that leads `term`. */
export interface HeardAnswer {
  readonly instanceId: InstanceId;
  readonly term: Term;
  /** When the process was given it, on its own monotonic clock. */
  readonly atMs: number;
}

/**
 * What the network gave to one process of the answers to it as a leader: read off the streams that
 * it opened, whatever its code makes of them.
 */
export class HeardAnswers {
  readonly #clock: Clock;
  readonly #answers = new Map<NodeId, HeardAnswer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(nodeId: NodeId): HeardAnswer | undefined {
    return this.#answers.get(nodeId);
  }

  /** The same network, listened to. */
  listenTo(network: Network): Network {
    return {
      listen: (address, service) => network.listen(address, service),
      connect: (address, options) => this.#listenToChannel(network.connect(address, options)),
      batch: (work) => network.batch(work),
    };
  }

  #listenToChannel(channel: Channel): Channel {
    return {
      address: channel.address,
      get connectionNumber() {
        return channel.connectionNumber;
      },
      call: (method, request, options) => channel.call(method, request, options),
      openStream: (method, handler, options): MessageStream => {
        const plane = planeOfMethod(method);
        const heard = plane === undefined ? handler : this.#listenToStream(plane, handler);
        return channel.openStream(method, heard, options);
      },
      close: () => channel.close(),
    };
  }

  #listenToStream(plane: Plane, handler: StreamHandler): StreamHandler {
    let peer: Pick<PeerFrame & { type: 'hello' }, 'nodeId' | 'instanceId'> | undefined;
    return {
      onMessage: (message) => {
        handler.onMessage(message);
        const frame = decodePeerFrame(plane, message);
        if (frame.type === 'hello') peer = frame;
        else if (isAnswer(frame) && peer !== undefined) this.#hear(peer, frame.term);
      },
      onDrain: () => handler.onDrain?.(),
      onEnd: () => handler.onEnd?.(),
      onClose: (failure) => handler.onClose(failure),
    };
  }

  #hear({ nodeId, instanceId }: { nodeId: NodeId; instanceId: InstanceId }, term: Term): void {
    const known = this.#answers.get(nodeId);
    // Of another stream, on which it is late.
    if (known !== undefined && known.term > term) return;
    this.#answers.set(nodeId, { instanceId, term, atMs: this.#clock.monotonicMs() });
  }
}

function isAnswer(
  frame: PeerFrame,
): frame is PeerFrame & { type: 'appendResponse' | 'heartbeatResponse' } {
  return frame.type === 'appendResponse' || frame.type === 'heartbeatResponse';
}
