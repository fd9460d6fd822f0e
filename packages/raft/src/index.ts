export { isMembershipKind } from './bindings.ts';
export * from './configuration.ts';
export * from './effects.ts';
export { initialVotersHash } from './formation.ts';
export {
  decodeBinding,
  decodeBootstrap,
  decodeMember,
  encodeBinding,
  encodeBootstrap,
  encodeMember,
  encodeNewHistory,
  historyIdOf,
} from './membership-codec.ts';
export * from './messages.ts';
export { voteResult } from './quorum.ts';
export type { RaftView } from './raft.ts';
export { Raft } from './raft.ts';
export type {
  HelloVerdict,
  PeerHello,
  PeerProgress,
  ProposeResult,
  RaftConfig,
  RecoveredState,
} from './raft-config.ts';
export type { InstallVerdict, Membership, RaftSnapshot } from './raft-snapshot.ts';
