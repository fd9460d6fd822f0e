import type { Plane } from '@d-engine/base';
import { errorRegistry } from '@d-engine/base';
import fc from 'fast-check';
import * as wire from '../src/index.ts';
import { bytes, entryRun, exact, session, text, uint32 } from './arbitraries.ts';
import type { MessageSpec } from './message-specs.ts';
import {
  leader,
  leaderToTheirs,
  nullable,
  optional,
  sessionFields,
  writeOutcome,
  writeToTheirs,
} from './message-specs.ts';
import type { Theirs } from './protobuf-oracle.ts';

const errorName = fc.constantFrom(
  ...(Object.keys(errorRegistry) as (keyof typeof errorRegistry)[]),
);
const fromLeader = { term: exact, leaderCommit: exact, token: exact, stickinessMs: exact };

/** A frame type: the oneof's field, the message, and its parts in the names of others. */
function peerSpec<Frame extends wire.PeerFrame>(
  plane: Plane,
  arbitrary: fc.Arbitrary<Frame>,
  toTheirs: (frame: Frame) => Theirs = ({ type: _, ...rest }) => rest,
): MessageSpec & { readonly plane: Plane } {
  return {
    name: 'd_engine.peer.v1.PeerFrame',
    plane,
    arbitrary: arbitrary.map((ours) => ({ ours, theirs: frameToTheirs(ours, toTheirs(ours)) })),
    encode: (ours: wire.PeerFrame) => wire.encodePeerFrame(plane, ours),
    decode: (encoded) => wire.decodePeerFrame(plane, encoded),
  };
}

function frameToTheirs(frame: wire.PeerFrame, inner: Theirs): Theirs {
  const { entries, ...rest } = inner;
  return { [frame.type]: rest, entries };
}

const type = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name);
const log = { lastLogIndex: exact, lastLogTerm: exact };

const hello: fc.Arbitrary<wire.Hello> = fc.record({
  type: type('hello'),
  protocolVersion: uint32,
  clusterId: nullable(text),
  clusterFormedAtMs: nullable(exact),
  nodeId: uint32,
  instanceId: text,
  bootCount: exact,
  state: fc.constantFrom('empty', 'formed'),
  initialVotersHash: text,
  strategy: fc.constantFrom('DiskFirst', 'MemFirst'),
  recovering: fc.boolean(),
  stickinessMs: optional(exact),
  advertiseAddress: optional(text),
  targetNodeId: optional(uint32),
});

export const peerSpecs: (MessageSpec & { readonly plane: Plane })[] = [
  ...wire.planes.map((plane) =>
    peerSpec(plane, hello, ({ type: _, ...frame }) => ({
      ...frame,
      state: frame.state === 'formed' ? 1 : 0,
      strategy: frame.strategy === 'MemFirst' ? 1 : 0,
    })),
  ),
  peerSpec(
    'control',
    fc.record({ type: type('helloRefused'), name: errorName, message: text }),
    ({ name, message }) => ({ error: errorRegistry[name].code, message }),
  ),
  peerSpec(
    'control',
    fc.record({ type: type('preVoteRequest'), term: exact, ...log, everyVoter: fc.boolean() }),
  ),
  peerSpec(
    'control',
    fc.record({
      type: type('voteRequest'),
      term: exact,
      ...log,
      leadershipTransfer: fc.boolean(),
      everyVoter: fc.boolean(),
    }),
  ),
  peerSpec(
    'control',
    fc.record({
      type: type('voteResponse'),
      term: exact,
      preVote: fc.boolean(),
      granted: fc.boolean(),
    }),
  ),
  peerSpec(
    'control',
    fc.record({
      type: type('heartbeatRequest'),
      ...fromLeader,
      recoverRun: exact,
      recoverTo: exact,
    }),
  ),
  peerSpec(
    'control',
    fc.record({ type: type('heartbeatResponse'), term: exact, token: exact, matchIndex: exact }),
  ),
  peerSpec('control', fc.record({ type: type('timeoutNowRequest'), term: exact })),
  peerSpec('control', fc.record({ type: type('readIndexRequest'), term: exact, readId: exact })),
  peerSpec(
    'control',
    fc.record({
      type: type('readIndexResponse'),
      term: exact,
      readId: exact,
      index: optional(exact),
    }),
  ),
  peerSpec(
    'data',
    fc
      .tuple(fc.record({ ...fromLeader, prevLogTerm: exact }), entryRun)
      .map(([head, run]) => ({ type: 'appendRequest' as const, ...head, ...run })),
    ({ type: _, entries, ...head }) => ({
      ...head,
      entries: Buffer.concat(entries.map((entry) => entry.encoded)),
    }),
  ),
  peerSpec(
    'data',
    fc.record({
      type: type('appendResponse'),
      term: exact,
      token: exact,
      result: fc.oneof(
        fc.record({ type: type('matched'), matchIndex: exact }),
        fc.record({
          type: type('conflict'),
          rejectedIndex: exact,
          hintIndex: exact,
          hintTerm: exact,
        }),
      ),
    }),
    ({ term, token, result }) => {
      const { type: kind, ...rest } = result;
      return { term, token, ...(kind === 'matched' ? rest : { conflict: rest }) };
    },
  ),
  peerSpec(
    'data',
    fc.record({
      type: type('forwardWrite'),
      forwardId: exact,
      command: bytes,
      deadlineMs: fc.integer({ min: 1, max: 2 ** 40 }),
      session: optional(session),
    }),
    ({ forwardId, command, deadlineMs, session: stamp }) => ({
      forwardId,
      command,
      deadlineMs,
      ...sessionFields(stamp),
    }),
  ),
  peerSpec(
    'data',
    fc.record({
      type: type('forwardWriteResult'),
      forwardId: exact,
      outcome: fc.oneof(
        writeOutcome.map((outcome) => ({ type: 'ok', ...outcome }) as const),
        fc.record({
          type: type('error'),
          name: errorName,
          message: text,
          leader: optional(leader),
          retryAfterMs: optional(exact),
        }),
      ),
    }),
    ({ forwardId, outcome }) => {
      if (outcome.type === 'ok') return { forwardId, ok: writeToTheirs(outcome) };
      const { name, message, leader: hint, retryAfterMs } = outcome;
      const error = errorRegistry[name].code;
      return {
        forwardId,
        error: { error, message, leader: hint && leaderToTheirs(hint), retryAfterMs },
      };
    },
  ),
  peerSpec(
    'bulk',
    fc.record({
      type: type('snapshotOffer'),
      transferId: exact,
      term: exact,
      clusterId: text,
      formedAtWallMs: exact,
      index: exact.filter((index) => index > 0),
      snapshotTerm: exact,
      lengthBytes: exact.filter((length) => length > 0),
      sha256: text,
    }),
  ),
  peerSpec(
    'bulk',
    fc.record({
      type: type('snapshotChunk'),
      transferId: exact,
      offset: exact,
      crc32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      data: bytes,
    }),
  ),
  peerSpec(
    'bulk',
    fc.record({
      type: type('snapshotAnswer'),
      transferId: exact,
      state: fc.constantFrom('receiving' as const, 'complete' as const, 'refused' as const),
      offset: exact,
      upTo: exact,
      reason: text,
    }),
    ({ type: _, state, ...rest }) => ({
      ...rest,
      state: ['receiving', 'complete', 'refused'].indexOf(state),
    }),
  ),
  peerSpec('control', fc.record({ type: type('stateDigest'), index: exact, digest: text })),
  peerSpec(
    'control',
    fc.record({ type: type('stateVerdict'), term: exact, index: exact, digest: nullable(text) }),
  ),
];
