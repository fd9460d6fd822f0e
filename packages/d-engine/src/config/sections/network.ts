import type { Plane } from '@d-engine/base';
import type { SectionDeclaration } from '../key-declaration.ts';
import { variantSection } from '../variant-section.ts';

/** `[network]`: what all planes share, and dead keys that stood beside it. */
export const networkSection = {
  path: 'network',
  doc: 'Connections between members. Keys of v0.1.2, which had no planes, set all three.',
  deadPrefixes: ['http2_'],
  keys: {
    tcpNoDelay: {
      key: 'tcp_nodelay',
      type: 'boolean',
      default: true,
      effect: 'active',
      doc: 'Send small messages at once.',
    },
    bufferBytes: {
      key: 'buffer_size',
      type: 'integer',
      unit: 'bytes',
      default: 65_536,
      minimum: 1024,
      effect: 'active',
      doc: 'Bytes that wait for the system before a sender has to pause; 64 KiB or more.',
    },
    tcpKeepaliveSecs: {
      key: 'tcp_keepalive_secs',
      type: 'ignored',
      effect: 'dead',
      doc: 'Stood in sample files; the key is tcp_keepalive_in_secs of a plane.',
    },
    connectProtocol: {
      key: 'enable_connect_protocol',
      type: 'ignored',
      effect: 'dead',
      doc: 'Stood in sample files.',
    },
  },
} as const;

/** Keys of `[network.control]`, `[network.data]` and `[network.bulk]`. */
export const planeKeys = {
  connectTimeoutMs: {
    key: 'connect_timeout_in_ms',
    type: 'integer',
    unit: 'ms',
    default: { control: 20, data: 50, bulk: 500_000 },
    minimum: 1,
    effect: 'active',
    flatAliases: ['connect_timeout_in_ms'],
    doc: 'TCP, TLS and the first SETTINGS; times 4 after each time-out, up to 5 s.',
  },
  requestTimeoutMs: {
    key: 'request_timeout_in_ms',
    type: 'integer',
    unit: 'ms',
    default: { control: 100, data: 500, bulk: 5_000_000 },
    minimum: 0,
    effect: 'active',
    flatAliases: ['request_timeout_in_ms'],
    doc: 'Until a call is answered or a stream taken up; grows likewise; 0 for none.',
  },
  concurrencyMax: {
    key: 'concurrency_limit',
    type: 'integer',
    default: { control: 1024, data: 8192, bulk: 4 },
    minimum: 1,
    effect: 'active',
    flatAliases: ['concurrency_limit', 'concurrency_limit_per_connection'],
    doc: 'Calls under way on one connection; the next ones wait.',
  },
  streamsMax: {
    key: 'max_concurrent_streams',
    type: 'integer',
    default: { control: 100, data: 500, bulk: 2 },
    minimum: 1,
    maximum: 2_147_483_647,
    effect: 'active',
    flatAliases: ['max_concurrent_streams'],
    doc: 'HTTP/2 streams that this node takes on one connection of a peer.',
  },
  tcpKeepaliveSeconds: {
    key: 'tcp_keepalive_in_secs',
    type: 'integer',
    unit: 's',
    default: { control: 300, data: 600, bulk: 3600 },
    minimum: 1,
    effect: 'active',
    flatAliases: ['tcp_keepalive_in_secs'],
    doc: 'Silence after which TCP asks whether the peer lives.',
  },
  keepaliveIntervalSeconds: {
    key: 'http2_keep_alive_interval_in_secs',
    type: 'integer',
    unit: 's',
    default: { control: 30, data: 120, bulk: 600 },
    minimum: 1,
    effect: 'active',
    flatAliases: ['http2_keep_alive_interval_in_secs'],
    doc: 'Time between HTTP/2 pings.',
  },
  keepaliveTimeoutSeconds: {
    key: 'http2_keep_alive_timeout_in_secs',
    type: 'integer',
    unit: 's',
    default: { control: 5, data: 30, bulk: 60 },
    minimum: 1,
    effect: 'active',
    flatAliases: ['http2_keep_alive_timeout_in_secs'],
    doc: 'How long a ping may stay unanswered; below the interval.',
  },
  frameBytesMax: {
    key: 'max_frame_size',
    type: 'integer',
    unit: 'bytes',
    default: { control: 16_777_215, data: 16_777_215, bulk: 16_777_215 },
    minimum: 16_384,
    maximum: 16_777_215,
    clampAbove: true,
    effect: 'active',
    flatAliases: ['max_frame_size'],
    doc: 'Largest HTTP/2 frame; the protocol allows no more than the maximum.',
  },
  connectionWindowBytes: {
    key: 'connection_window_size',
    type: 'integer',
    unit: 'bytes',
    default: { control: 1_048_576, data: 6_291_456, bulk: 67_108_864 },
    minimum: 1,
    maximum: 2_147_483_647,
    effect: 'active',
    flatAliases: ['connection_window_size', 'initial_connection_window_size'],
    doc: 'Bytes under way on one connection; unless adaptive, 65535 or more.',
  },
  streamWindowBytes: {
    key: 'stream_window_size',
    type: 'integer',
    unit: 'bytes',
    default: { control: 262_144, data: 1_048_576, bulk: 16_777_216 },
    minimum: 1,
    maximum: 2_147_483_647,
    effect: 'active',
    flatAliases: ['stream_window_size', 'initial_stream_window_size'],
    doc: 'Bytes under way on one stream; unless adaptive, 65535 to connection_window_size.',
  },
  windowAdaptive: {
    key: 'adaptive_window',
    type: 'boolean',
    default: { control: false, data: true, bulk: false },
    effect: 'active',
    flatAliases: ['adaptive_window', 'http2_adaptive_window'],
    doc: 'Let the windows grow with the bandwidth.',
  },
} as const;

export const planes: readonly Plane[] = ['control', 'data', 'bulk'];

const planeDocs: Readonly<Record<Plane, string>> = {
  control: 'Votes, heartbeats and changes of membership: latency counts.',
  data: 'Entries of the log: throughput counts.',
  bulk: 'Snapshots: bandwidth counts.',
};

const deadPlaneKeys = {
  initialStreamWindow: {
    key: 'initial_stream_window_size',
    type: 'ignored',
    effect: 'dead',
    doc: 'Stood in sample files; the key is stream_window_size.',
  },
  initialConnectionWindow: {
    key: 'initial_connection_window_size',
    type: 'ignored',
    effect: 'dead',
    doc: 'Stood in sample files; the key is connection_window_size.',
  },
  connectProtocol: {
    key: 'enable_connect_protocol',
    type: 'ignored',
    effect: 'dead',
    doc: 'Stood in sample files.',
  },
} as const;

function planeSection(plane: Plane): SectionDeclaration {
  const shared = variantSection(`network.${plane}`, planeDocs[plane], planeKeys, plane);
  return { ...shared, deadPrefixes: ['http2_'], keys: { ...shared.keys, ...deadPlaneKeys } };
}

export const planeSections: Readonly<Record<Plane, SectionDeclaration>> = {
  control: planeSection('control'),
  data: planeSection('data'),
  bulk: planeSection('bulk'),
};
