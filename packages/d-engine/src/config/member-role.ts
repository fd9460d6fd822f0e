import type { Member } from './member.ts';

export type MemberStanding = Pick<Member, 'role' | 'promotable'>;

export interface RoleStatusRow {
  readonly role: number;
  readonly statuses: readonly number[];
  readonly meaning: string;
  readonly standing: MemberStanding;
}

const voter: MemberStanding = { role: 'voter', promotable: false };

/**
 * The pairs whose meaning is certain. The original renumbered both between v0.2.2 and v0.2.3, so
 * most others were once a learner and are now a leader, or the other way round.
 */
export const roleStatusTable: readonly RoleStatusRow[] = [
  { role: 1, statuses: [2, 3], meaning: 'active voter', standing: voter },
  { role: 3, statuses: [3], meaning: 'active voter', standing: voter },
  {
    role: 4,
    statuses: [1],
    meaning: 'learner, to be promoted to voter',
    standing: { role: 'learner', promotable: true },
  },
  {
    role: 4,
    statuses: [2],
    meaning: 'read-only learner',
    standing: { role: 'learner', promotable: false },
  },
];

/** v0.1.2 had no status and no learners: follower, candidate and leader all vote. */
const rolesWithoutStatus: readonly number[] = [0, 1, 2];

/** A member that says nothing of its role votes. Undefined: the pair is refused. */
export function standingOf(
  role: number | undefined,
  status: number | undefined,
): MemberStanding | undefined {
  if (status === undefined) {
    return role === undefined || rolesWithoutStatus.includes(role) ? voter : undefined;
  }
  const row = roleStatusTable.find((pair) => pair.role === role && pair.statuses.includes(status));
  return row?.standing;
}

export function describeRoleStatusTable(): string {
  const rows = roleStatusTable.map(
    ({ role, statuses, meaning }) => `role ${role} status ${statuses.join(' or ')}: ${meaning}`,
  );
  const old = `role ${rolesWithoutStatus.join(', ')} without status (v0.1.2): active voter`;
  return [...rows, old].join('; ');
}
