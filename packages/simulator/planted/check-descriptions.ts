import type { CheckName } from '../src/violation.ts';

export interface CheckDescription {
  readonly says: string;
  /** Below packages/simulator/src. */
  readonly file: string;
}

/** Every check in plain words; a check without them does not compile. */
export const checkDescriptions: Readonly<Record<CheckName, CheckDescription>> = {
  'election safety': {
    says: 'At most one member leads in a term, over all lives of all members.',
    file: 'invariants/election-safety.ts',
  },
  'leader append-only': {
    says: 'A leader adds to its log; it never changes or removes an entry of it.',
    file: 'invariants/leader-append-only.ts',
  },
  'log matching': {
    says: 'Two logs that have the same entry somewhere are the same up to there, byte for byte.',
    file: 'invariants/log-matching.ts',
  },
  'leader completeness': {
    says:
      'Whoever becomes leader has every entry that was committed in an earlier term and was not ' +
      'given up with an announcement.',
    file: 'invariants/leader-completeness.ts',
  },
  'state machine safety': {
    says:
      'Once they have applied an index, members have the same state, at each index and not only ' +
      'where their batches end; and nobody applies what is not committed.',
    file: 'invariants/state-machine-safety.ts',
  },
  'commit needs a durable quorum': {
    says:
      'A leader commits an entry of its own term, and only when it is in the durable logs of a ' +
      'quorum of members that are bound; with MemFirst it may be in their memory, unless they ' +
      'recover, or it says who belongs to the cluster.',
    file: 'invariants/durable-quorum.ts',
  },
  'durable survives a crash': {
    says:
      'What a member says to be durable is on the platter of its disk at that moment, byte for ' +
      'byte, and in its log when it starts again.',
    file: 'invariants/durable-survives.ts',
  },
  'committed is never undone': {
    says:
      'An entry that anybody knew to be committed stays, the same for all, for ever; with MemFirst ' +
      'but for what a new history gave up and announced, above all that a living voter knows.',
    file: 'invariants/committed-is-never-undone.ts',
  },
  'monotonic indexes': {
    says:
      'Term, commit index and applied index never fall while a process lives; a term that was ' +
      'told falls in no life.',
    file: 'invariants/monotonic-indexes.ts',
  },
  'one vote a term': {
    says:
      'A member votes once a term, crashes or not, and a leader has the votes of a quorum of ' +
      'bound members on their disks, none of them recovering; or the votes of all that are bound, ' +
      'and then announces a new history.',
    file: 'invariants/one-vote-a-term.ts',
  },
  'lease needs a quorum of send times': {
    says:
      'While a leader that is awake has a valid lease, a quorum is bound to it and helps to elect ' +
      'nobody else, and nothing is committed in a newer term. The second is looked at after every ' +
      'event, the first after every 16th.',
    file: 'invariants/lease-safety.ts',
  },
  'configuration overlap': {
    says: "Any quorum of one member's configuration meets any quorum of another's.",
    file: 'invariants/configuration-overlap.ts',
  },
  'heartbeat commits what is verified': {
    says: 'A follower commits no more than what it saw to match its leader in this term.',
    file: 'invariants/heartbeat-commits-verified.ts',
  },
  'the log is cut behind a snapshot': {
    says: 'What the log of a member does not have any more is in a snapshot on the platter of its disk.',
    file: 'invariants/log-behind-snapshot.ts',
  },
  'a torn tail is cut': {
    says:
      'When a member has started, nothing stands on its platter behind the end of its log: no ' +
      'byte of what a crash left half written.',
    file: 'invariants/torn-tail-cut.ts',
  },
  'a leader hears a quorum': {
    says:
      'A leader that no quorum has answered for two of the largest election timeouts leads no ' +
      'more: by its own clock, and by what the network gave to its process. One that stands still ' +
      'steps down soon after it runs again.',
    file: 'invariants/quorum-contact.ts',
  },
  'a recovered member holds all again': {
    says:
      'Whoever counts after a start, or after it recovered, has on its disk all that is committed ' +
      'and that it ever acknowledged, from memory or not.',
    file: 'invariants/recovered-holds-all.ts',
  },
  'no member dies': {
    says:
      'A member stops by itself only for a fault that was inflicted on its disk. Its own ' +
      'assertions are checks too: one that fails ends it.',
    file: 'supervisor.ts',
  },
  'damage is refused': {
    says: 'A member whose log went bad below what was durable does not start on it.',
    file: 'supervisor.ts',
  },
  liveness: {
    says:
      'Once the faults are over for a majority, it elects and writes within a few election timeouts ' +
      '(`liveness-bounds.ts`) and answers all that it was asked; once they are over for all, ' +
      'everybody catches up as soon, and the next 60 operations of the clients, ' +
      'those aside that a narrow limit refuses, are answered without an error, but for one (three ' +
      'where hardly any may wait). Whatever a running process was asked settles within its ' +
      'deadline, faults or not (`answer-watch.ts`).',
    file: 'liveness.ts',
  },
  'the wire keeps its rules': {
    says:
      'Over bytes, no side of a connection says that the other one broke the rules of HTTP/2: both ' +
      'are ours, and no byte goes bad on its way.',
    file: 'wire-watch.ts',
  },
  'no member is called odd': {
    says:
      'Members compare their states as of verify entries (design rule 16); where the checks above ' +
      'find nothing, no member is told that it differs.',
    file: 'simulate.ts',
  },
  linearizability: {
    says:
      'Some order of all operations on a key, each between its call and its answer, explains ' +
      'every answer.',
    file: 'history/check-history.ts',
  },
  'revisions follow real time': {
    says:
      'No revision is given out twice, and whoever is called after another was answered is told ' +
      'no smaller one; a read sees what the writes up to its revision had left.',
    file: 'history/revision-check.ts',
  },
  'eventual reads are monotonic': {
    says: 'Eventual reads see what somebody wrote, and one process of a member never goes back.',
    file: 'history/eventual-check.ts',
  },
  'watches miss nothing': {
    says:
      'Over all members at which it watches one after another, a watcher hears each event that it ' +
      'selects once, in order, all of one revision together, or is told to read the state anew.',
    file: 'watches/watch-judge.ts',
  },
};
