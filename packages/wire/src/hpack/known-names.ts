import { type IndexingRule, indexingRules } from './indexing-rule.ts';
import { staticFieldCount, staticNames, staticValues } from './static-table.ts';

/** What the encoder knows of a name on every connection. */
export interface KnownName {
  /** The first index of the name in the static table; 0: it is not there. */
  readonly staticIndex: number;
  readonly staticIndexes: ReadonlyMap<string, number>;
  readonly rule: IndexingRule;
}

export const unknownName: KnownName = {
  staticIndex: 0,
  staticIndexes: new Map(),
  rule: 'repeated',
};

export const knownNames: ReadonlyMap<string, KnownName> = listKnownNames();

function listKnownNames(): ReadonlyMap<string, KnownName> {
  const names = new Map<string, KnownName>();
  for (const [name, rule] of indexingRules) names.set(name, { ...unknownName, rule });
  for (let index = staticFieldCount; index >= 1; index--) {
    const name = staticNames[index] as string;
    const { staticIndexes, rule } = names.get(name) ?? unknownName;
    names.set(name, {
      staticIndex: index,
      staticIndexes: new Map([...staticIndexes, [staticValues[index] as string, index]]),
      rule,
    });
  }
  return names;
}
