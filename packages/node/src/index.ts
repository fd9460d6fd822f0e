export { dialAddress, hintAddress, splitAddress } from './addresses.ts';
export type { HealthReport } from './health.ts';
export type { NodeOptions } from './node.ts';
export { Node } from './node.ts';
export type { NodeSettings } from './settings.ts';
