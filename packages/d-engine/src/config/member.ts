export type MemberRole = 'voter' | 'learner';

/** One entry of `initial_cluster`. */
export interface Member {
  readonly id: number;
  /** host:port as other members dial it. */
  readonly address: string;
  readonly role: MemberRole;
  /** A learner that is to become a voter once it has caught up; false for voters. */
  readonly promotable: boolean;
}
