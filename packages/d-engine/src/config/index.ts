/** The configuration of a node: what may be set, how it is read, and what it comes to. */
export { ConfigError, type ConfigProblem } from './config-error.ts';
export { type ConfigKey, configKeys } from './config-keys.ts';
export { renderConfigurationReference } from './configuration-reference.ts';
export type { FlushPolicy } from './flush-policy.ts';
export {
  formatHostPort,
  type HostPort,
  isLoopbackHost,
  isUnspecifiedHost,
  parseHostPort,
} from './host-port.ts';
export type { Effect } from './key-declaration.ts';
export {
  type ConfigSource,
  type LoadConfigOptions,
  type LoadedConfig,
  loadConfig,
} from './load-config.ts';
export type { Member, MemberRole } from './member.ts';
export type {
  ClusterConfig,
  LogConfig,
  MetricsConfig,
  NetworkConfig,
  NodeConfig,
  PersistenceConfig,
  PlaneConfig,
  RaftConfig,
  RetryConfig,
} from './node-config.ts';
export type { Environment } from './parse-environment.ts';
export { leaseDurationMsMax } from './settle-timing.ts';
