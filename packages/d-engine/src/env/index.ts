export * from './client-env.ts';
export * from './real-compute.ts';
export * from './real-disk.ts';
export * from './real-env.ts';
export * from './real-logger.ts';
export * from './real-metrics.ts';
export * from './real-network.ts';
