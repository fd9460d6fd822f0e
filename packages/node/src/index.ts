export { dialAddress, hintAddress, splitAddress } from './addresses.ts';
export type { HealthReport } from './health.ts';
export type { NodeOptions } from './node.ts';
export { Node } from './node.ts';
export type { NodeSettings } from './settings.ts';
export { prefixSelection, type WatchSelection } from './watch/watch-selection.ts';
export type { WatchSettings } from './watch/watch-settings.ts';
export type {
  OpenWatch,
  WatcherRequest,
  WatchNotice,
  WatchOpener,
} from './watch/watcher.ts';
export { Watches } from './watch/watches.ts';
