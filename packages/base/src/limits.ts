import { assert } from './assert.ts';

/**
 * Every bound of the engine, with its reason. What a user may change is a config key whose default
 * stands here; the rest is fixed. {@link assertLimitsAgree} relates them.
 */
export const limits = {
  /** A key is a name, not a document; the index holds all of them in memory. */
  keyBytesMax: 65_536,
  /** One value must fit in a message and must not hold up the loop while it is copied. */
  valueBytesMax: 3_145_728,
  /** What the original's clients may send (the default of its gRPC stack). */
  requestBytesMax: 4_194_304,
  /** Keys of one read: all are looked up in one go, between two turns. */
  readKeysMax: 10_000,
  /** Of each of the three lists of a transaction: all run in one step of the state machine. */
  transactionStepsMax: 128,
  /** What the steps of a transaction read; a session keeps it until the client has it. */
  transactionAnswerBytesMax: 1_048_576,
  /** Entries of a page when nobody says how many. */
  scanEntriesDefault: 100,
  /** One page of a scan: it is looked up and copied between two turns. */
  scanEntriesMax: 1_000,
  /** A hundred years: cluster time plus this is an exact number. */
  ttlMsMax: 3_155_760_000_000,
  /** A lease that lives shorter than a leader change takes cannot be kept. */
  leaseTtlMsMin: 100,
  /** A table in memory on every member, renewed through the log: for services, not for sessions. */
  leasesMax: 100_000,
  /** All go away in one step of the state machine. */
  leaseKeysMax: 10_000,
  /** Keys that one time entry may remove, whole leases apart; the next one follows at once. */
  expiriesPerEntryMax: 10_000,
  /** Clients, members and writes with an idempotency key, in memory on every member. */
  sessionsMax: 100_000,
  /** A session that is not kept alive this long is forgotten; clients renew far earlier. */
  sessionTtlMsMax: 86_400_000,
  sessionNameBytesMax: 256,
  /** Results that a session keeps: what its client has in flight. */
  sessionResultsMax: 10_000,
  sessionResultBytesMax: 4_194_304,
  /** Keys and values of one answer; a client takes messages of `peerMessageBytesMax`. */
  readAnswerBytesMax: 7_340_032,
  /** One entry: a request plus its header. */
  entryBytesMax: 4_198_400,
  /** Entries of one append message stop here, except that one entry always fits. */
  appendBytesMax: 1_048_576,
  /** Unacknowledged append messages per peer (Little: 256 at 1 ms is 256,000 batches a second). */
  inflightMessagesMax: 256,
  /** Unacknowledged bytes per peer: what a follower may have to hold before its disk returns. */
  inflightBytesMax: 16_777_216,
  /** A peer message: an append of one largest entry, with its envelope. */
  peerMessageBytesMax: 8_388_608,
  /**
   * Messages that wait for one peer which does not read, on one stream: all that Raft may have
   * under way, and as much again for forwarded writes and answers. More are dropped.
   */
  peerWaitingBytesMax: 33_554_432,
  /** The newest entries are kept in memory up to this much; older ones are read back from disk. */
  logTailBytesMax: 67_108_864,
  /** A proposal batch of one turn: bounds the time until the next heartbeat can leave. */
  turnProposalBytesMax: 8_388_608,
  turnProposalsMax: 4096,
  /** Entries applied between two looks at the inbox. */
  applyBatchEntriesMax: 4096,
  /** Reads waiting for one confirmation round. */
  pendingReadsMax: 50_000,
  /** Writes proposed and not yet answered. */
  pendingWritesMax: 10_000,
  /** Size of a log segment file, preallocated. */
  segmentBytes: 67_108_864,
  /** One record in a segment: every entry of one group commit stays below it. */
  logBatchBytesMax: 16_777_216,
  /**
   * News of a commit waits this long for entries that carry it: a lone client's next write comes
   * within a round trip of its own, and costs half as many messages then.
   */
  commitNoticeDelayMs: 2,
  /** Streams of one plane that strangers may hold open before they have said hello. */
  helloTimeoutMs: 5_000,
  /** Changes of a state on disk in one write: those that come meanwhile wait for it. */
  stateWriteBytesMax: 8_388_608,
  /** Changes that wait for their place on disk, in memory: above it nothing is applied. */
  statePendingBytesMax: 134_217_728,
  /** A run of keys of a snapshot: packing, checking and hashing it takes about a millisecond. */
  snapshotRunBytes: 262_144,
  /** One message of a transfer; above the largest piece that may be configured, with its head. */
  snapshotChunkBytesMax: 4_194_304,
  /** Bytes of a snapshot on their way to a peer: what its disk may lag, at 1 GB/s for 2 ms. */
  snapshotWindowBytes: 2_097_152,
  /** A peer that follows the log and lags further than this gets a snapshot: the log has an end. */
  laggingPeerEntriesMax: 65_536,
  /** Who asks for a snapshot while another one is made or handed out comes back after this. */
  snapshotSaveRetryMs: 1_000,
  /** One section of a snapshot is in memory whole; a run holds one largest key and value. */
  snapshotSectionBytesMax: 4_194_304,
  /** Names of 64 members fit in every message; Raft gets slow long before. */
  membersMax: 64,
  /** Changes of members that wait at a leader: each is made one after the other. */
  memberChangesMax: 16,
  /** Of so many removed members the directories are known, should one come back by mistake. */
  removedMembersMax: 64,
  /** Header block of a call: metadata is for hints, not for data. */
  metadataBytesMax: 16_384,
} as const;

/** The relations that the code relies on; run at start and by a unit test. */
export function assertLimitsAgree(): void {
  assert(limits.keyBytesMax + limits.valueBytesMax < limits.requestBytesMax, 'a put must fit');
  assert(limits.requestBytesMax < limits.entryBytesMax, 'a request must fit in an entry');
  assert(limits.readAnswerBytesMax < limits.peerMessageBytesMax, 'an answer must fit in a message');
  assert(limits.valueBytesMax < limits.readAnswerBytesMax, 'a largest value must fit in an answer');
  assert(
    limits.keyBytesMax + limits.valueBytesMax + 64 < limits.snapshotSectionBytesMax,
    'a largest key and value must fit in a section',
  );
  assert(
    limits.snapshotChunkBytesMax < limits.peerMessageBytesMax,
    'a piece of a snapshot must fit in a message',
  );
  assert(limits.entryBytesMax < limits.logBatchBytesMax, 'an entry must fit in a log batch');
  assert(limits.logBatchBytesMax < limits.segmentBytes, 'a log batch must fit in a segment');
  assert(limits.entryBytesMax < limits.peerMessageBytesMax, 'an entry must fit in a message');
  assert(
    limits.inflightBytesMax + limits.peerMessageBytesMax <= limits.peerWaitingBytesMax,
    'what Raft has under way must fit in the queue of a peer, with a largest message beside it',
  );
  assert(limits.appendBytesMax <= limits.inflightBytesMax, 'an append must fit in the window');
}
