import type { ForwardWrite, ForwardWriteResult } from './forward-messages.ts';
import type { Hello, HelloRefused } from './hello.ts';
import type { RaftMessage } from './raft-messages.ts';

/** One message of a peer stream, `d_engine.peer.v1.PeerFrame`. */
export type PeerFrame = Hello | HelloRefused | RaftMessage | ForwardWrite | ForwardWriteResult;
export type PeerFrameType = PeerFrame['type'];
