/** `d-engine/client`: the TypeScript client alone. */
export type {
  BytesLike,
  ClientApi,
  CompareAndSwapResult,
  Consistency,
  DeleteResult,
  KeyValue,
  LeaderHint,
  MembershipView,
  MembershipWatch,
  NodeStatus,
  ReadOptions,
  ReadResult,
  RequestOptions,
  ResumeToken,
  Watch,
  WatchBatch,
  WatchEvent,
  WatchOptions,
  WatchTarget,
  WriteResult,
} from '@d-engine/base';
export { DEngineError, errorRegistry } from '@d-engine/base';
export type { ClientTls } from './client-tls.ts';
export type { ConnectedClient, ConnectOptions } from './connect.ts';
export { connect } from './connect.ts';
