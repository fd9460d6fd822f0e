/** What a run is held to. Each name is a row of docs/correctness.md. */
export const checkNames = [
  // After every step, over the members.
  'election safety',
  'leader append-only',
  'log matching',
  'leader completeness',
  'state machine safety',
  'commit needs a durable quorum',
  'durable survives a crash',
  'committed is never undone',
  'monotonic indexes',
  'one vote a term',
  'lease needs a quorum of send times',
  'configuration overlap',
  'heartbeat commits what is verified',
  'a torn tail is cut',
  'the log is cut behind a snapshot',
  'a leader hears a quorum',
  'a recovered member holds all again',
  // Of the processes.
  'no member dies',
  'damage is refused',
  'liveness',
  'the wire keeps its rules',
  'no member is called odd',
  // Of what the clients saw.
  'linearizability',
  'revisions follow real time',
  'eventual reads are monotonic',
  'watches miss nothing',
] as const;
export type CheckName = (typeof checkNames)[number];

export interface Violation {
  readonly check: CheckName;
  readonly text: string;
}

/** The form that tests look for. */
export function formatViolation({ check, text }: Violation): string {
  return `[${check}] ${text}`;
}
