import type { FlushPolicy } from './flush-policy.ts';
import type { Member } from './member.ts';

/**
 * `active`: the engine obeys it. `not-yet`: accepted and checked, obeyed by a later version.
 * `dead`: accepted so that old files load, never obeyed.
 */
export type Effect = 'active' | 'not-yet' | 'dead';

export type Unit = 'ms' | 's' | 'bytes' | 'entries' | 'megabits/s';

interface KeyCommon {
  /** Name within its section, as written in the file. */
  readonly key: string;
  /** One line for the reference page. */
  readonly doc: string;
  readonly effect: Effect;
  readonly unit?: Unit;
  /** Which versions of the original know the key, or `own`; absent: all of them. */
  readonly versions?: string;
  /** Other spellings: a bare name is in the same section, one with dots is a whole path. */
  readonly aliases?: readonly string[];
  /** Spellings of v0.1.2, whose `[network]` had no planes: one value for all three. */
  readonly flatAliases?: readonly string[];
  /** Why a dead key is of no use here, when the original did use it. */
  readonly deadReason?: string;
  /** How the reference page shows a default that depends on other keys. */
  readonly defaultText?: string;
  /** Set when our default is not the original's. */
  readonly differs?: { readonly original: string; readonly reason: string };
}

interface Bounded {
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface IntegerKey extends KeyCommon, Bounded {
  readonly type: 'integer';
  readonly default: number;
  /** A value above the maximum runs as the maximum, with a warning. */
  readonly clampAbove?: true;
}

/** `{ secs = N, nanos = M }` in the file, milliseconds in the code. */
export interface DurationKey extends KeyCommon, Bounded {
  readonly type: 'duration';
  readonly default: number;
}

export interface BooleanKey extends KeyCommon {
  readonly type: 'boolean';
  readonly default: boolean;
}

/** Text of at least one character; a path is relative to the working directory. */
export interface TextKey extends KeyCommon {
  readonly type: 'text' | 'path' | 'address';
  readonly default?: string;
}

export interface TextListKey extends KeyCommon {
  readonly type: 'text-list';
  readonly default: readonly string[];
}

export interface ChoiceKey extends KeyCommon {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}

export interface FlushPolicyKey extends KeyCommon {
  readonly type: 'flush-policy';
  readonly default: FlushPolicy;
}

export interface MembersKey extends KeyCommon {
  readonly type: 'members';
}

/** A dead key or table: its value is not even looked at. */
export interface IgnoredKey extends KeyCommon {
  readonly type: 'ignored';
  readonly effect: 'dead';
}

export type KeyDeclaration =
  | IntegerKey
  | DurationKey
  | BooleanKey
  | TextKey
  | TextListKey
  | ChoiceKey
  | FlushPolicyKey
  | MembersKey
  | IgnoredKey;

export interface SectionDeclaration {
  /** `raft.election`; empty for what stands above the first table of the file. */
  readonly path: string;
  readonly doc: string;
  /** Other names of the whole table. */
  readonly aliases?: readonly string[];
  /** Undeclared keys that begin so were written by somebody once and never used: they warn. */
  readonly deadPrefixes?: readonly string[];
  /** By the name of the field in the typed result. */
  readonly keys: Readonly<Record<string, KeyDeclaration>>;
}

export type ConfigValue =
  | number
  | boolean
  | string
  | readonly string[]
  | FlushPolicy
  | readonly Member[];

interface ValueByType {
  readonly integer: number;
  readonly duration: number;
  readonly boolean: boolean;
  readonly text: string;
  readonly path: string;
  readonly address: string;
  readonly choice: string;
  readonly 'text-list': readonly string[];
  readonly 'flush-policy': FlushPolicy;
  readonly members: readonly Member[];
  readonly ignored: never;
}

/** The part of a declaration that decides the type of its value. */
export interface KeyShape {
  readonly type: KeyDeclaration['type'];
  readonly effect: Effect;
}

type KeyValue<Key extends KeyShape> = Key extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : Key extends { readonly default: unknown }
    ? ValueByType[Key['type']]
    : ValueByType[Key['type']] | undefined;

export type KeyShapes = Readonly<Record<string, KeyShape>>;

/** What the keys of one section come to; dead ones are left out. */
export type KeyValues<Keys extends KeyShapes> = {
  readonly [Field in keyof Keys as Keys[Field]['effect'] extends 'dead' ? never : Field]: KeyValue<
    Keys[Field]
  >;
};

export type SectionValues<Section extends SectionDeclaration> = KeyValues<Section['keys']>;
