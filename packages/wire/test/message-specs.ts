import type { LeaderHint, Plane, TransactionResponse } from '@d-engine/base';
import { decodeWriteCommand, encodeWriteCommand } from '@d-engine/base';
import fc from 'fast-check';
import * as wire from '../src/index.ts';
import { bytes, exact, text, uint32 } from './arbitraries.ts';
import type { Theirs } from './protobuf-oracle.ts';
import { writeCommandPair } from './write-command-spec.ts';

/** One message: how to make one, what others call its parts, and our codec. */
export interface MessageSpec {
  readonly name: string;
  /** Of a frame between members. */
  readonly plane?: Plane;
  readonly arbitrary: fc.Arbitrary<{ readonly ours: unknown; readonly theirs: Theirs }>;
  readonly encode: (ours: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

function spec<Ours>(
  name: string,
  arbitrary: fc.Arbitrary<Ours>,
  toTheirs: (ours: Ours) => Theirs,
  encode: (ours: Ours) => Uint8Array,
  decode: (bytes: Uint8Array) => unknown,
): MessageSpec {
  return {
    name,
    arbitrary: arbitrary.map((ours) => ({ ours, theirs: toTheirs(ours) })),
    encode,
    decode,
  };
}

export const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
export const nullable = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary);

const consistencyNumbers = { lease: 0, linearizable: 1, eventual: 2 } as const;
const consistency = fc.constantFrom('lease', 'linearizable', 'eventual');
export const sessionFields = (stamp: object | undefined): Theirs => ({ ...stamp });

const errorMetadata: fc.Arbitrary<wire.ErrorMetadata> = fc.record({
  retryAfterMs: optional(exact),
  leaderId: optional(text),
  leaderAddress: optional(text),
  debugMessage: optional(text),
  mayHaveBeenApplied: optional(fc.boolean()),
  retryable: optional(fc.boolean()),
});

const foundKey: fc.Arbitrary<wire.FoundKey> = fc.record({
  key: bytes,
  value: bytes,
  createRevision: exact,
  modRevision: exact,
  version: exact,
  ttlLeftMs: optional(exact),
  lease: optional(exact),
});

const transactionResponse: fc.Arbitrary<TransactionResponse> = fc.oneof(
  fc.record({ type: fc.constant('put' as const) }),
  fc.record({ type: fc.constant('delete' as const), deleted: fc.boolean() }),
  fc.record({ type: fc.constant('get' as const), entry: nullable(foundKey) }),
);

export const writeOutcome: fc.Arbitrary<wire.WriteOutcome> = fc.record({
  responses: optional(fc.array(transactionResponse, { maxLength: 3 })),
  ttlMs: optional(exact),
  id: optional(exact),
  deletedKeys: optional(exact),
  succeeded: fc.boolean(),
  deleted: optional(fc.boolean()),
  current: optional(nullable(bytes)),
  revision: exact,
});

const leaseState: fc.Arbitrary<wire.LeaseState> = fc.record({
  lease: exact,
  ttlMs: exact,
  leftMs: exact,
  keys: fc.array(bytes, { maxLength: 3 }),
});

const clientResponse: fc.Arbitrary<wire.ClientResponse> = fc.oneof(
  writeOutcome.map((outcome) => ({ type: 'write', ...outcome }) as const),
  fc.record({
    type: fc.constant('read' as const),
    results: fc.array(foundKey, { maxLength: 4 }),
    revision: exact,
    consistency: optional(consistency),
    lease: optional(leaseState),
  }),
  fc.record({
    type: fc.constant('error' as const),
    code: fc.integer({ min: 1, max: 20_000 }),
    metadata: errorMetadata,
  }),
  fc.constant({ type: 'empty' as const }),
);

export function writeToTheirs(outcome: wire.WriteOutcome): Theirs {
  const { current } = outcome;
  return {
    writeResult: { succeeded: outcome.succeeded },
    revision: outcome.revision,
    deleted: outcome.deleted,
    currentValue: current ?? undefined,
    currentPresent: current === undefined ? undefined : current !== null,
    transaction: outcome.responses && { responses: outcome.responses.map(transactionToTheirs) },
    ttlMs: outcome.ttlMs,
    id: outcome.id,
    deletedKeys: outcome.deletedKeys,
  };
}

function transactionToTheirs(response: TransactionResponse): Theirs {
  if (response.type === 'put') return { put: {} };
  if (response.type === 'delete') return { delete: { deleted: response.deleted } };
  return { get: { entry: response.entry ?? undefined } };
}

function responseToTheirs(response: wire.ClientResponse): Theirs {
  switch (response.type) {
    case 'write':
      return writeToTheirs(response);
    case 'read':
      return {
        readData: { results: response.results },
        revision: response.revision,
        consistency: response.consistency && consistencyNumbers[response.consistency],
        leaseStatus: response.lease,
      };
    case 'error':
      return { error: response.code, metadata: response.metadata };
    case 'empty':
      return {};
  }
}

const scanRange = fc.oneof(
  fc.record({ prefix: bytes }),
  fc.record({ start: bytes, end: optional(bytes) }),
  fc.record({ start: fc.constant(undefined), end: bytes }),
);

export const clientSpecs: MessageSpec[] = [
  {
    name: 'd_engine.client.WriteCommand',
    arbitrary: writeCommandPair,
    encode: encodeWriteCommand,
    decode: decodeWriteCommand,
  },
  spec(
    'd_engine.admin.v1.SnapshotPart',
    fc.record({ data: bytes }),
    ({ data }) => ({ data }),
    wire.encodeSnapshotPart,
    wire.decodeSnapshotPart,
  ),
  spec(
    'd_engine.client.ClientReadRequest',
    fc.record({
      clientId: uint32,
      keys: fc.array(bytes, { maxLength: 5 }),
      consistency: optional(consistency),
      minRevision: exact,
      lease: optional(exact),
    }),
    ({ clientId, keys, consistency: policy, minRevision, lease }) => ({
      clientId,
      keys,
      consistencyPolicy: policy && consistencyNumbers[policy],
      minRevision,
      lease,
    }),
    wire.encodeClientReadRequest,
    wire.decodeClientReadRequest,
  ),
  spec(
    'd_engine.client.ClientResponse',
    clientResponse,
    responseToTheirs,
    wire.encodeClientResponse,
    wire.decodeClientResponse,
  ),
  spec(
    'd_engine.error.ErrorMetadata',
    errorMetadata,
    (metadata) => ({ ...metadata }),
    wire.encodeErrorMetadata,
    wire.decodeErrorMetadata,
  ),
  spec(
    'd_engine.client.ScanRequest',
    fc.record({
      clientId: uint32,
      range: scanRange,
      limit: exact,
      order: fc.constantFrom('ascending', 'descending'),
      cursor: text,
      consistency: optional(consistency),
      minRevision: exact,
    }),
    ({ range, order, consistency: policy, ...rest }) => ({
      ...rest,
      ...range,
      descending: order === 'descending',
      consistencyPolicy: policy && consistencyNumbers[policy],
    }),
    wire.encodeScanRequest,
    wire.decodeScanRequest,
  ),
  spec(
    'd_engine.client.ScanResponse',
    fc.record({
      entries: fc.array(foundKey, { maxLength: 4 }),
      revision: exact,
      nextCursor: text,
      firstRevision: exact,
      consistency: optional(consistency),
    }),
    ({ consistency: policy, ...rest }) => ({
      ...rest,
      consistency: policy && consistencyNumbers[policy],
    }),
    wire.encodeScanResponse,
    wire.decodeScanResponse,
  ),
  spec(
    'd_engine.client.WatchRequest',
    fc.record({
      clientId: uint32,
      key: bytes,
      prefix: fc.boolean(),
      prevKv: fc.boolean(),
      rangeEnd: optional(bytes),
      afterRevision: optional(exact),
      historyId: text,
      progressIntervalMs: uint32,
      announce: fc.boolean(),
    }),
    (request) => request,
    wire.encodeWatchRequest,
    wire.decodeWatchRequest,
  ),
  spec(
    'd_engine.client.WatchResponse',
    fc.record({
      key: bytes,
      value: bytes,
      eventType: fc.constantFrom('put', 'delete', 'canceled', 'progress'),
      errorCode: fc.integer({ min: 0, max: 20_000 }),
      revision: exact,
      previousValue: bytes,
      historyId: text,
      more: fc.boolean(),
      hadValue: fc.boolean(),
    }),
    ({ key, value, eventType, errorCode, revision, previousValue, ...added }) => ({
      ...added,
      key,
      value,
      eventType: ['put', 'delete', 'canceled', 'progress'].indexOf(eventType),
      error: errorCode,
      revision,
      prevValue: previousValue,
    }),
    wire.encodeWatchResponse,
    wire.decodeWatchResponse,
  ),
  spec(
    'd_engine.client.WatchMembershipRequest',
    fc.record({ clientId: uint32 }),
    (request) => request,
    wire.encodeWatchMembershipRequest,
    wire.decodeWatchMembershipRequest,
  ),
  spec(
    'd_engine.client.MembershipSnapshot',
    fc.record({
      members: fc.array(uint32, { maxLength: 9 }),
      learners: fc.array(uint32, { maxLength: 9 }),
      committedIndex: exact,
    }),
    (snapshot) => snapshot,
    wire.encodeMembershipSnapshot,
    wire.decodeMembershipSnapshot,
  ),
];

const roles = ['unspecified', 'follower', 'candidate', 'leader', 'learner'] as const;
const statuses = ['unspecified', 'promotable', 'readOnly', 'active'] as const;

const nodeMeta: fc.Arbitrary<wire.NodeMeta> = fc.record({
  id: uint32,
  address: text,
  role: fc.constantFrom(...roles),
  status: fc.constantFrom(...statuses),
});
const nodeToTheirs = (node: wire.NodeMeta): Theirs => ({
  ...node,
  role: roles.indexOf(node.role),
  status: statuses.indexOf(node.status),
});
const membership: fc.Arbitrary<wire.ClusterMembership> = fc.record({
  version: exact,
  nodes: fc.array(nodeMeta, { maxLength: 4 }),
  currentLeaderId: optional(uint32),
});
const membershipToTheirs = (value: wire.ClusterMembership): Theirs => ({
  ...value,
  nodes: value.nodes.map(nodeToTheirs),
});

export const clusterSpecs: MessageSpec[] = [
  spec(
    'd_engine.server.cluster.ClusterMembership',
    membership,
    membershipToTheirs,
    wire.encodeClusterMembership,
    wire.decodeClusterMembership,
  ),
  spec(
    'd_engine.server.cluster.LeaderDiscoveryRequest',
    fc.record({ nodeId: uint32, requesterAddress: text }),
    (request) => request,
    wire.encodeLeaderDiscoveryRequest,
    wire.decodeLeaderDiscoveryRequest,
  ),
  spec(
    'd_engine.server.cluster.LeaderDiscoveryResponse',
    fc.record({ leaderId: uint32, leaderAddress: text, term: exact }),
    (response) => response,
    wire.encodeLeaderDiscoveryResponse,
    wire.decodeLeaderDiscoveryResponse,
  ),
  spec(
    'd_engine.server.cluster.JoinRequest',
    fc.record({
      nodeId: uint32,
      nodeRole: fc.constantFrom(...roles),
      address: text,
      status: fc.constantFrom(...statuses),
      instanceId: optional(text),
      clusterId: optional(text),
    }),
    (request) => ({
      ...request,
      nodeRole: roles.indexOf(request.nodeRole),
      status: statuses.indexOf(request.status),
    }),
    wire.encodeJoinRequest,
    wire.decodeJoinRequest,
  ),
  spec(
    'd_engine.server.cluster.JoinResponse',
    fc.record({
      success: fc.boolean(),
      error: text,
      config: optional(membership),
      configVersion: exact,
      snapshotMetadata: optional(
        fc.record({ lastIncluded: fc.record({ term: exact, index: exact }), checksum: bytes }),
      ),
      leaderId: uint32,
    }),
    (response) => ({
      ...response,
      config: response.config && membershipToTheirs(response.config),
    }),
    wire.encodeJoinResponse,
    wire.decodeJoinResponse,
  ),
  spec(
    'd_engine.admin.v1.MemberChangeRequest',
    fc.record({
      action: fc.constantFrom('promote', 'remove', 'transfer', 'replace'),
      nodeId: uint32,
      waitMs: exact,
      forwarded: fc.boolean(),
    }),
    (request) => ({
      ...request,
      action: ['', 'promote', 'remove', 'transfer', 'replace'].indexOf(request.action),
    }),
    wire.encodeMemberChangeRequest,
    wire.decodeMemberChangeRequest,
  ),
  spec(
    'd_engine.admin.v1.MemberChangeResult',
    fc.record({
      nodeId: uint32,
      changed: fc.boolean(),
      voters: fc.array(uint32),
      learners: fc.array(uint32),
      leaderId: fc.option(uint32),
    }),
    (result) => ({ ...result, leaderId: result.leaderId ?? undefined }),
    wire.encodeMemberChangeResult,
    wire.decodeMemberChangeResult,
  ),
  spec(
    'grpc.health.v1.HealthCheckRequest',
    fc.record({ service: text }),
    (request) => request,
    wire.encodeHealthCheckRequest,
    wire.decodeHealthCheckRequest,
  ),
  spec(
    'grpc.health.v1.HealthCheckResponse',
    fc.record({ status: fc.constantFrom('unknown', 'serving', 'notServing', 'serviceUnknown') }),
    ({ status }) => ({
      status: ['unknown', 'serving', 'notServing', 'serviceUnknown'].indexOf(status),
    }),
    wire.encodeHealthCheckResponse,
    wire.decodeHealthCheckResponse,
  ),
];

export const leader: fc.Arbitrary<LeaderHint> = fc.record({ id: uint32, address: text });
export const leaderToTheirs = (hint: LeaderHint): Theirs => ({
  leaderId: hint.id,
  address: hint.address,
});
const nodeRoles = ['', 'leader', 'follower', 'candidate', 'learner'] as const;
const conditions = ['', 'forming', 'normal', 'recovering', 'refused', 'diverged'] as const;
const memberRoles = ['', 'voter', 'learner'] as const;
const memberStatuses = ['', 'active', 'promotable', 'read_only'] as const;
const named = <Names extends readonly string[]>(
  names: Names,
): fc.Arbitrary<Exclude<Names[number], ''>> =>
  fc.constantFrom(...(names.slice(1) as Exclude<Names[number], ''>[]));

export const statusSpec: MessageSpec = spec(
  'd_engine.admin.v1.NodeStatus',
  fc.record({
    nodeId: uint32,
    clusterId: nullable(text),
    version: text,
    role: named(nodeRoles),
    condition: named(conditions),
    conditionReason: nullable(text),
    term: exact,
    leader: nullable(leader),
    commitIndex: exact,
    appliedIndex: exact,
    lastLogIndex: exact,
    durableIndex: exact,
    revision: exact,
    members: fc.array(
      fc.record({
        id: uint32,
        address: text,
        role: named(memberRoles),
        status: named(memberStatuses),
        matchIndex: nullable(exact),
        lag: nullable(exact),
        lastContactMs: nullable(exact),
      }),
      { maxLength: 5 },
    ),
  }),
  (status) => ({
    ...status,
    role: nodeRoles.indexOf(status.role),
    condition: conditions.indexOf(status.condition),
    leader: status.leader && leaderToTheirs(status.leader),
    members: status.members.map((member) => ({
      ...member,
      role: memberRoles.indexOf(member.role),
      status: memberStatuses.indexOf(member.status),
    })),
  }),
  wire.encodeNodeStatus,
  wire.decodeNodeStatus,
);
