export const consistencies = ['linearizable', 'lease', 'eventual'] as const;
/**
 * `linearizable`: a quorum confirms that nothing newer exists. `lease`: the leader answers alone
 * while its lease holds. `eventual`: this member's own state, possibly old.
 */
export type Consistency = (typeof consistencies)[number];
