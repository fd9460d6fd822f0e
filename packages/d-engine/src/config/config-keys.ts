import { describeDeclaredBounds } from './bounds.ts';
import type { FlushPolicy } from './flush-policy.ts';
import type { Effect, KeyDeclaration, Unit } from './key-declaration.ts';
import { joinPath, type RegisteredKey, schema } from './schema.ts';

/** A config key as the reference page shows it. */
export interface ConfigKey {
  /** Whole name. */
  readonly key: string;
  /** Its table; empty for what stands above the first one. */
  readonly section: string;
  readonly type: string;
  readonly unit: Unit | undefined;
  readonly default: string;
  /** The default depends on other keys, and `default` says how in words. */
  readonly defaultComputed: boolean;
  /** Empty where every value of the type will do. */
  readonly bounds: string;
  readonly effect: Effect;
  readonly doc: string;
  /** Other whole names that are accepted. */
  readonly aliases: readonly string[];
  /** Which versions of the original know it, or `own`; undefined: all. */
  readonly versions: string | undefined;
  /** Set when our default is not the original's. */
  readonly differs: { readonly original: string; readonly reason: string } | undefined;
}

/** Every key, in the order of the reference page. */
export function configKeys(): readonly ConfigKey[] {
  return schema.keys.map((registered) => {
    const { path, section, declaration } = registered;
    return {
      key: path,
      section: section.path,
      type: describeType(declaration),
      unit: declaration.unit,
      default: describeDefault(declaration),
      defaultComputed: declaration.defaultText !== undefined,
      bounds: describeLimits(declaration),
      effect: declaration.effect,
      doc: declaration.doc,
      aliases: aliasesOf(registered),
      versions: declaration.versions,
      differs: declaration.differs,
    };
  });
}

function describeType(declaration: KeyDeclaration): string {
  switch (declaration.type) {
    case 'choice':
      return declaration.choices.map((choice) => `"${choice}"`).join(' or ');
    case 'address':
      return 'host:port';
    case 'duration':
      return '{ secs, nanos }';
    case 'text-list':
      return 'array of texts';
    case 'members':
      return 'array of members';
    case 'flush-policy':
      return 'flush policy';
    case 'ignored':
      return 'any';
    default:
      return declaration.type;
  }
}

function describeDefault(declaration: KeyDeclaration): string {
  if (declaration.defaultText !== undefined) return declaration.defaultText;
  switch (declaration.type) {
    case 'members':
    case 'ignored':
      return '';
    case 'duration':
      return `{ secs = ${declaration.default / 1000} }`;
    case 'text-list':
      return JSON.stringify(declaration.default);
    case 'flush-policy':
      return describeFlushPolicy(declaration.default);
    case 'integer':
    case 'boolean':
      return String(declaration.default);
    default:
      return declaration.default === undefined ? '' : `"${declaration.default}"`;
  }
}

function describeFlushPolicy(policy: FlushPolicy): string {
  if (policy.kind === 'immediate') return '"Immediate"';
  return `{ Batch = { threshold = ${policy.threshold}, interval_ms = ${policy.intervalMs} } }`;
}

function describeLimits(declaration: KeyDeclaration): string {
  if (declaration.type === 'integer') {
    const text = describeDeclaredBounds(declaration);
    return declaration.clampAbove === true ? `${text}; more counts as the most` : text;
  }
  if (declaration.type === 'duration') return `${describeDeclaredBounds(declaration)} ms`;
  return '';
}

function aliasesOf({ path, section, declaration }: RegisteredKey): readonly string[] {
  const own = (declaration.aliases ?? []).map((name) =>
    name.includes('.') ? name : joinPath(section.path, name),
  );
  const flat = (declaration.flatAliases ?? []).map((name) => `network.${name}`);
  return [...own, ...flat].filter((name) => name !== path);
}
