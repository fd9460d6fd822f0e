export * from './http-api.ts';
export * from './http-limits.ts';
export type { ListeningPort } from './http-port.ts';
export type { HttpNode } from './node-routes.ts';
