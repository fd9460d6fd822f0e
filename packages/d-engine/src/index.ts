/** d-engine: a Raft consensus engine and coordination store for Node.js. */
export type {
  BytesLike,
  ClientApi,
  CompareAndSwapResult,
  Comparison,
  Consistency,
  DeleteResult,
  KeyLifetime,
  KeyRange,
  KeyValue,
  Labels,
  LeaderHint,
  LeaseGrant,
  LeaseId,
  LeaseRenewal,
  LeaseRevocation,
  LeaseStatus,
  LogFields,
  Logger,
  LogLevel,
  MemberStatus,
  MembershipView,
  MembershipWatch,
  Metrics,
  NodeCondition,
  NodeRole,
  NodeStatus,
  PutOptions,
  ReadOptions,
  ReadResult,
  RequestOptions,
  ResumeToken,
  ScanOptions,
  ScanOrder,
  ScanResult,
  Transaction,
  TransactionOperation,
  TransactionResponse,
  TransactionResult,
  Watch,
  WatchBatch,
  WatchEvent,
  WatchOptions,
  WatchTarget,
  WriteOptions,
  WriteResult,
} from '@d-engine/base';
export { DEngineError, errorRegistry } from '@d-engine/base';
export type {
  ApplicationClient,
  ApplicationFactory,
  ApplicationResult,
  ApplicationStateMachine,
  CommandAt,
} from '@d-engine/storage';
export { applicationClient } from '@d-engine/storage';
export type { ClientTls } from './client-tls.ts';
export { ConfigError } from './config/index.ts';
export { connect } from './connect.ts';
export type { WaitReadyOptions } from './embedded/embedded-engine.ts';
export { EmbeddedEngine } from './embedded/embedded-engine.ts';
export type { LeaderInfo, Membership } from './embedded/engine-host.ts';
export type {
  ConfigSetting,
  EmbeddedOptions,
  EmbeddedSource,
  EmbeddedStart,
  EngineConfig,
  EngineConfig as Config,
  HostMetrics,
} from './embedded/start-options.ts';
export { MetricsRegistry } from './env/index.ts';
export { MemoryStorage } from './memory-storage.ts';
export type { BuiltNode, NodeBuilderSettings } from './node-builder.ts';
export { NodeBuilder } from './node-builder.ts';
export { exitCodes, runProcess } from './run-process.ts';
export type { RunningEngine, RunOptions, RunSource } from './standalone-engine.ts';
export { StandaloneEngine } from './standalone-engine.ts';
export { version } from './version.ts';
