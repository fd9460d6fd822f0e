/** When MemFirst writes what it holds in memory to the disk. */
export type FlushPolicy =
  | { readonly kind: 'immediate' }
  | { readonly kind: 'batch'; readonly threshold: number; readonly intervalMs: number };
