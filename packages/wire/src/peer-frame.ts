import type { StateDigest, StateVerdict } from './divergence-messages.ts';
import type { ForwardWrite, ForwardWriteResult } from './forward-messages.ts';
import type { Hello, HelloRefused } from './hello.ts';
import type { RaftMessage } from './raft-messages.ts';
import type { SnapshotAnswer, SnapshotChunk, SnapshotOffer } from './snapshot-messages.ts';

/** What travels on Bulk. */
export type SnapshotFrame = SnapshotOffer | SnapshotChunk | SnapshotAnswer;

/** What members tell each other of their states. */
export type DivergenceFrame = StateDigest | StateVerdict;

/** One message of a peer stream, `d_engine.peer.v1.PeerFrame`. */
export type PeerFrame =
  | Hello
  | HelloRefused
  | RaftMessage
  | ForwardWrite
  | ForwardWriteResult
  | SnapshotFrame
  | DivergenceFrame;
export type PeerFrameType = PeerFrame['type'];
