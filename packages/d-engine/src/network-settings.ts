import type { Plane, StreamTuning } from '@d-engine/base';
import { methods, type PlaneOptions, services } from '@d-engine/wire';
import type { NodeConfig, PlaneConfig } from './config/index.ts';
import type { RealNetworkOptions } from './env/index.ts';

/**
 * A peer that was sent something and lets nothing at all be heard for so long is asked for a sign
 * of life, and is given up after as long again. After a cut of the network the system by itself
 * may wait for half a minute until it tries to send again; a new connection is there at once.
 */
const answerSilenceMs = 5_000;

/** `[network.*]`: of the connections between members, at both ends; `[raft.rpc_compression]`. */
export function networkOptions({ network, raft }: NodeConfig): RealNetworkOptions {
  const tuning = { noDelay: network.tcpNoDelay, sendBufferBytes: network.bufferBytes };
  const planes: Readonly<Record<Plane, PlaneOptions>> = {
    control: planeOptions(network.control, tuning),
    data: planeOptions(network.data, tuning),
    bulk: planeOptions(network.bulk, tuning),
  };
  const connectTimeouts = Object.values(planes).map((plane) => plane.connectTimeoutMs);
  return {
    grpc: { planes, compression: compressionOf(raft.compression) },
    // The socket alone is given up later than the connection as a whole.
    sockets: { connectTimeoutMs: Math.max(...connectTimeouts, socketTimeoutMs) },
  };
}

function compressionOf(
  chosen: NodeConfig['raft']['compression'],
): (method: string) => 'gzip' | undefined {
  const byService: ReadonlyMap<string, boolean> = new Map([
    [services.client, chosen.clientResponse],
    [services.cluster, chosen.clusterResponse],
  ]);
  const byMethod: ReadonlyMap<string, boolean> = new Map([
    [methods.peerControl, chosen.electionResponse],
    [methods.peerData, chosen.replicationResponse],
    [methods.peerBulk, chosen.snapshotResponse],
  ]);
  return (method) => {
    const service = method.slice(0, method.indexOf('/'));
    return (byMethod.get(method) ?? byService.get(service)) === true ? 'gzip' : undefined;
  };
}

const socketTimeoutMs = 10_000;

function planeOptions(plane: PlaneConfig, tuning: StreamTuning): PlaneOptions {
  return {
    connectTimeoutMs: plane.connectTimeoutMs,
    requestTimeoutMs: plane.requestTimeoutMs,
    http2: {
      openStreamsMax: plane.concurrencyMax,
      maxConcurrentStreams: plane.streamsMax,
      streamWindowBytes: plane.streamWindowBytes,
      connectionWindowBytes: plane.connectionWindowBytes,
      adaptiveWindow: plane.windowAdaptive,
      maxFrameBytes: plane.frameBytesMax,
      keepAliveIntervalMs: plane.keepaliveIntervalSeconds * 1_000,
      keepAliveTimeoutMs: plane.keepaliveTimeoutSeconds * 1_000,
      keepAliveWhileIdle: true,
      answerSilenceMs,
      tuning: { ...tuning, keepAliveMs: plane.tcpKeepaliveSeconds * 1_000 },
    },
  };
}
