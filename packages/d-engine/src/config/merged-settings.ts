import { describeNotYet } from './describe-effect.ts';
import type { Findings } from './findings.ts';
import type {
  ConfigValue,
  KeyShapes,
  KeyValues,
  SectionDeclaration,
  SectionValues,
} from './key-declaration.ts';
import type { Layer, Setting } from './read-layer.ts';
import { joinPath, schema } from './schema.ts';
import type { Origin } from './setting-node.ts';

/** All layers over the defaults; what the user set keeps its place. */
export class MergedSettings {
  readonly #settings: Layer;

  /** Later layers go before earlier ones, key by key. */
  constructor(layers: readonly Layer[]) {
    this.#settings = new Map(layers.flatMap((layer) => [...layer]));
  }

  section<Section extends SectionDeclaration>(section: Section): SectionValues<Section> {
    return this.#values(section) as SectionValues<Section>;
  }

  /** As {@link section}, for one that was made of shared keys: they carry its type. */
  variant<Keys extends KeyShapes>(section: SectionDeclaration, _keys: Keys): KeyValues<Keys> {
    return this.#values(section) as KeyValues<Keys>;
  }

  /** What the user set for the field of a section; undefined where the default stands. */
  setting(section: SectionDeclaration, field: string): Setting | undefined {
    return this.#settings.get(pathOf(section, field));
  }

  isSet(section: SectionDeclaration, field: string): boolean {
    return this.setting(section, field) !== undefined;
  }

  /** Where to point when the fields do not fit each other: at the first that the user set. */
  originOf(section: SectionDeclaration, ...fields: readonly string[]): Origin | undefined {
    for (const field of fields) {
      const setting = this.setting(section, field);
      if (setting !== undefined) return setting.origin;
    }
    return undefined;
  }

  /** One warning for each key that the user set and that has no effect yet. */
  warnOfNoEffect(findings: Findings): void {
    const spellingsDone = new Set<string>();
    for (const { path, declaration } of schema.keys) {
      const setting = this.#settings.get(path);
      if (setting === undefined || declaration.effect !== 'not-yet') continue;
      if (spellingsDone.has(setting.spelling)) continue;
      spellingsDone.add(setting.spelling);
      const { spelling, origin } = setting;
      findings.warn(describeNotYet(spelling, origin), origin);
    }
  }

  #values(section: SectionDeclaration): object {
    const values: [string, ConfigValue | undefined][] = [];
    for (const [field, declaration] of Object.entries(section.keys)) {
      if (declaration.effect === 'dead') continue;
      const setting = this.#settings.get(joinPath(section.path, declaration.key));
      const fallback = 'default' in declaration ? declaration.default : undefined;
      values.push([field, setting?.value ?? fallback]);
    }
    return Object.fromEntries(values);
  }
}

/** Whole name of the key behind a field. */
export function pathOf(section: SectionDeclaration, field: string): string {
  const declaration = section.keys[field];
  if (declaration === undefined) throw new RangeError(`[${section.path}] has no field ${field}`);
  return joinPath(section.path, declaration.key);
}
