import {
  type Address,
  type ClusterId,
  type ErrorName,
  errorNameOf,
  errorRegistry,
  type InstanceId,
  type NodeId,
  type PersistenceStrategy,
  ProtobufReader,
  ProtobufWriter,
} from '@d-engine/base';
import { type EnumCodec, enumCodec, writeBool, writeString, writeUint } from './fields.ts';

/** Raised when peers of two versions could misread each other; the hello itself never changes. */
export const peerProtocolVersion = 1;

/** The first message on every peer stream, in both directions. */
export interface Hello {
  readonly type: 'hello';
  readonly protocolVersion: number;
  /** Null until the bootstrap entry is committed (design rule 2): "forming". */
  readonly clusterId: ClusterId | null;
  /** Tells which of two clusters is the older one. */
  readonly clusterFormedAtMs: number | null;
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  readonly bootCount: number;
  /** `formed`: its log is not empty or it knows a cluster id. */
  readonly state: 'empty' | 'formed';
  readonly initialVotersHash: string;
  readonly strategy: PersistenceStrategy;
  readonly recovering: boolean;
  /** The largest stickiness that the sender knows of, in whole milliseconds. */
  readonly stickinessMs?: number | undefined;
  /** Where clients reach the sender, when that is not the address in everybody's configuration. */
  readonly advertiseAddress?: Address | undefined;
  /** Whom the sender believes to speak to; absent in the answer of the side that was dialled. */
  readonly targetNodeId?: NodeId | undefined;
}

/** Ends a stream after a hello that does not fit; the reason is for the peer's log. */
export interface HelloRefused {
  readonly type: 'helloRefused';
  readonly name: ErrorName;
  readonly message: string;
}

const states: EnumCodec<Hello['state']> = enumCodec('state', { empty: 0, formed: 1 });
const strategies: EnumCodec<Hello['strategy']> = enumCodec('strategy', {
  DiskFirst: 0,
  MemFirst: 1,
});

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new ProtobufWriter(192);
  writeUint(writer, 1, hello.protocolVersion);
  if (hello.clusterId !== null) writer.string(2, hello.clusterId);
  if (hello.clusterFormedAtMs !== null) writer.uint(3, hello.clusterFormedAtMs);
  writeUint(writer, 4, hello.nodeId);
  writeString(writer, 5, hello.instanceId);
  writeUint(writer, 6, hello.bootCount);
  writeUint(writer, 7, states.toNumber(hello.state));
  writeString(writer, 8, hello.initialVotersHash);
  writeUint(writer, 9, strategies.toNumber(hello.strategy));
  writeBool(writer, 10, hello.recovering);
  if (hello.stickinessMs !== undefined) writer.uint(11, hello.stickinessMs);
  if (hello.advertiseAddress !== undefined) writer.string(12, hello.advertiseAddress);
  if (hello.targetNodeId !== undefined) writer.uint(13, hello.targetNodeId);
  return writer.finish();
}

export function decodeHello(bytes: Uint8Array): Hello {
  const reader = new ProtobufReader(bytes);
  const hello: { -readonly [Name in keyof Hello]: Hello[Name] } = {
    type: 'hello',
    protocolVersion: 0,
    clusterId: null,
    clusterFormedAtMs: null,
    nodeId: 0,
    instanceId: '',
    bootCount: 0,
    state: 'empty',
    initialVotersHash: '',
    strategy: 'DiskFirst',
    recovering: false,
    stickinessMs: undefined,
    advertiseAddress: undefined,
    targetNodeId: undefined,
  };
  while (reader.next()) {
    if (reader.field === 1) hello.protocolVersion = reader.uint();
    else if (reader.field === 2) hello.clusterId = reader.string();
    else if (reader.field === 3) hello.clusterFormedAtMs = reader.uint();
    else if (reader.field === 4) hello.nodeId = reader.uint();
    else if (reader.field === 5) hello.instanceId = reader.string();
    else if (reader.field === 6) hello.bootCount = reader.uint();
    else if (reader.field === 7) hello.state = states.toName(reader.int32());
    else if (reader.field === 8) hello.initialVotersHash = reader.string();
    else if (reader.field === 9) hello.strategy = strategies.toName(reader.int32());
    else if (reader.field === 10) hello.recovering = reader.bool();
    else if (reader.field === 11) hello.stickinessMs = reader.uint();
    else if (reader.field === 12) hello.advertiseAddress = reader.string();
    else if (reader.field === 13) hello.targetNodeId = reader.uint();
    else reader.skip();
  }
  return hello;
}

export function encodeHelloRefused(refused: HelloRefused): Uint8Array {
  const writer = new ProtobufWriter(refused.message.length + 16);
  writer.uint(1, errorRegistry[refused.name].code);
  writeString(writer, 2, refused.message);
  return writer.finish();
}

export function decodeHelloRefused(bytes: Uint8Array): HelloRefused {
  const reader = new ProtobufReader(bytes);
  let name: ErrorName = 'Uncategorized';
  let message = '';
  while (reader.next()) {
    if (reader.field === 1) name = errorNameOf(reader.uint()) ?? 'Uncategorized';
    else if (reader.field === 2) message = reader.string();
    else reader.skip();
  }
  return { type: 'helloRefused', name, message };
}
