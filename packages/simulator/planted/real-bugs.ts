import type { CheckName } from '../src/violation.ts';

/** A bug of the product that the simulator met. */
export interface RealBug {
  readonly what: string;
  /** That sees it today, when the bug is planted again: then checks had other names. */
  readonly check: CheckName;
  readonly fix: string;
  /** What holds it down since, besides the seeds. */
  readonly test: string;
  readonly seeds: readonly number[];
}

/** Seeds are those of packages/simulator/seeds.json, as of the commit that they failed on. */
export const realBugs: readonly RealBug[] = [
  {
    what:
      'A follower whose leader got its forwarded write twice, from a network that repeats ' +
      'messages, had the write proposed twice.',
    check: 'linearizability',
    fix: 'A session takes forward ids only in rising order.',
    test: 'planted bug "a forwarded write is taken twice"',
    seeds: [16],
  },
  {
    what:
      'Entries read back from disk to be applied could be ones that a newer leader had replaced ' +
      'in memory and not yet on disk.',
    check: 'no member dies',
    fix:
      'Only what is no longer in memory is read back, and each entry is compared with the term ' +
      'that the log says.',
    test: '`packages/node/src/applier.test.ts`, planted bug "read above what the disk holds for good"',
    seeds: [210, 217],
  },
  {
    what: 'A read that waited for entries read back from disk was never answered.',
    check: 'liveness',
    fix: 'Whatever is applied, in a turn or between two, wakes the reads that wait for it.',
    test: 'planted bug "a read that nobody wakes"',
    seeds: [11],
  },
  {
    what:
      'While a prepared log segment was being opened, an idle moment made it a second time: the ' +
      'segment in use was replaced by zeros.',
    check: 'no member dies',
    fix: 'A segment that was handed out is never made again.',
    test: '`packages/storage/test/segment-supply.test.ts`, planted bug "make a segment anew that is in use"',
    seeds: [630010],
  },
  {
    what:
      'A log file whose version had gone bad was refused as one of a newer release, with the ' +
      'advice to start that one: the version was looked at before the checksum.',
    check: 'no member dies',
    fix: 'Every version keeps its checksum in one place, and it is looked at first.',
    test: '`packages/storage/test/log-damage.test.ts`, every bit of a log',
    seeds: [618561900],
  },
  {
    what:
      'A member whose disk was full died when another one started again: it had to note that start ' +
      'and could not. And a start counted before it was noted: a power loss in between, and an ' +
      "older copy of that member's directory would have been taken.",
    check: 'no member dies',
    fix:
      'A start counts once it is noted; without room the member is refused, and it is tried again ' +
      'until there is room.',
    test:
      '`packages/simulator/test/full-disk.test.ts`, `packages/node/src/peers/recording.test.ts`; the ' +
      'supervisor takes no such death for one of a full disk any more',
    seeds: [1008, 1027],
  },
  {
    what:
      'A listener that closed said GOAWAY on connections whose client had not spoken yet: before ' +
      'its SETTINGS, which clients take for an error of the protocol.',
    check: 'the wire keeps its rules',
    fix: 'A connection that has not spoken HTTP/2 is closed without a word.',
    test: '`packages/wire/test/http2/server-connection.test.ts`, a drain of such a connection',
    seeds: [40],
  },
  {
    what:
      'A disk that had failed to make the next log file in the background was written to until ' +
      'that file was needed: the member went on as if nothing were wrong, up to a minute.',
    check: 'liveness',
    fix: 'Such a failure is final at once: the next append, or within a second the idle mark, rejects.',
    test: '`packages/storage/test/segmented-log.test.ts`, a disk that fails while it prepares a segment',
    seeds: [300000289],
  },
  {
    what:
      'A leader took an answer for contact of the moment in which it was looked at. One that had ' +
      'waited while the process stood still let a leader that nobody follows lead on for one more ' +
      'election timeout; its clients waited as long.',
    check: 'a leader hears a quorum',
    fix: 'What counts is when the message left that was answered, as it does for the lease.',
    test: '`packages/raft/src/raft.test.ts`, answers that waited',
    seeds: [350001172],
  },
  {
    what:
      'A watch whose source failed while it was asked for the next batch handed the failure to ' +
      'whoever waited, and then looked for the same one again: the member died of it.',
    check: 'no member dies',
    fix: 'Whoever takes a batch gives what comes of it to the one that waits, and nobody else does.',
    test: '`packages/base/src/batch-reader.test.ts`, a source that fails while it is asked',
    seeds: [5010, 5018],
  },
];
