/** How learners come in, and what is said of members that stay away. */
export interface MembershipSettings {
  /** A learner at most so many entries behind is promoted, where that keeps the voters odd. */
  readonly catchUpEntriesMax: number;
  /** Least time between two looks at whether a learner has caught up. */
  readonly catchUpCheckIntervalMs: number;
  /** A promotable learner that is none the better after so long is reported. */
  readonly staleLearnerMs: number;
  readonly staleCheckIntervalMs: number;
  /** Looks in a row that find a member silent, after which it is reported. */
  readonly silentLooksMax: number;
  readonly silenceCheckIntervalMs: number;
  readonly join: JoinSettings;
}

/** `[retry.join_cluster]`: of the calls with which a learner asks to be taken in. */
export interface JoinSettings {
  /** Calls one after the other, each at the next member, before a pause of the longest kind. */
  readonly attemptsMax: number;
  readonly timeoutMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly compress: boolean;
}
