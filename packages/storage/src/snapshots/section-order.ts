import { snapshotSectionKinds } from '../snapshot-format.ts';

type Kind = (typeof snapshotSectionKinds)[keyof typeof snapshotSectionKinds];

const { configuration, history, clusterTime, sessions, leases, data, end } = snapshotSectionKinds;

/** Kinds that may follow. Every snapshot says who, which history and when before what. */
const followers: Readonly<Record<Kind | 0, readonly Kind[]>> = {
  0: [configuration],
  [configuration]: [history],
  [history]: [clusterTime],
  [clusterTime]: [sessions, leases, data, end],
  [sessions]: [sessions, leases, data, end],
  [leases]: [leases, data, end],
  [data]: [data, end],
  [end]: [],
};

export function isSectionKind(kind: number): kind is Kind {
  return kind !== 0 && kind in followers;
}

/** Writer and reader agree on the order of sections by it. */
export class SectionOrder {
  #last: Kind | 0 = 0;
  #count = 0;

  /** The number of the next section; undefined when one of this kind cannot stand here. */
  next(kind: Kind): number | undefined {
    if (!followers[this.#last].includes(kind)) return undefined;
    this.#last = kind;
    this.#count += 1;
    return this.#count - 1;
  }
}
