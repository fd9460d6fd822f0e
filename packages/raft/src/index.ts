export { isMembershipKind } from './bindings.ts';
export * from './configuration.ts';
export * from './effects.ts';
export { initialVotersHash } from './formation.ts';
export type { ImpossibleChange, MembershipChange, NewLearner } from './membership-change.ts';
export {
  decodeBinding,
  decodeBootstrap,
  decodeConfigurationChange,
  decodeMember,
  encodeBinding,
  encodeBootstrap,
  encodeConfigurationChange,
  encodeMember,
  encodeNewHistory,
  historyIdOf,
} from './membership-codec.ts';
export * from './messages.ts';
export { voteResult } from './quorum.ts';
export { Raft } from './raft.ts';
export type {
  ChangeRefusal,
  ChangeResult,
  HelloVerdict,
  PeerHello,
  PeerProgress,
  ProposeResult,
  RaftConfig,
  RecoveredState,
} from './raft-config.ts';
export type { InstallVerdict, Membership, RaftSnapshot } from './raft-snapshot.ts';
export type { RaftView } from './raft-view.ts';
