/**
 * A number or string that knows what it counts. Plain literals and the results of arithmetic fit
 * any flavor, but a value of one flavor does not fit another: a term is no log index.
 */
export type Flavor<Base, Kind extends string> = Base & { readonly __kind?: Kind };

/** A member's number, unique in its cluster: 1 to 2^32 - 1. */
export type NodeId = Flavor<number, 'NodeId'>;
/** Raft's logical clock (Raft paper, section 5.1). 0 before the first election. */
export type Term = Flavor<number, 'Term'>;
/** Position in the log. The first entry is 1; 0 stands for "before the log". */
export type LogIndex = Flavor<number, 'LogIndex'>;
/**
 * Position in the history of the store: log index + revisionBase, never issued twice, not even
 * after a forced recovery.
 */
export type Revision = Flavor<number, 'Revision'>;
/** The revision of the entry that granted it: as unique, and as ordered, as revisions are. */
export type LeaseId = Revision;
/** The revision of the entry that opened it. */
export type SessionId = Revision;
/**
 * 32 hex digits, random, made when a data directory is first used. (NodeId, InstanceId) is a
 * member.
 */
export type InstanceId = Flavor<string, 'InstanceId'>;
/** 32 hex digits, random, made when a cluster forms. */
export type ClusterId = Flavor<string, 'ClusterId'>;
/** 32 hex digits, changes whenever history may have been lost or forked. */
export type HistoryId = Flavor<string, 'HistoryId'>;
/** Names one write to disk, rising by one from 1 in each run of a node. */
export type WriteId = Flavor<number, 'WriteId'>;
/** `host:port`, IPv6 hosts in brackets. */
export type Address = Flavor<string, 'Address'>;

/** Numbers that cross the wire or the disk as 64 bits are exact only up to here. */
export const exactIntegerMax: number = Number.MAX_SAFE_INTEGER;
