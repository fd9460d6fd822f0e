/**
 * When an entry of the own log counts: once it is on disk, or already in memory. Hard state and
 * entries that say who is a member are synced first with either.
 */
export type PersistenceStrategy = 'DiskFirst' | 'MemFirst';
