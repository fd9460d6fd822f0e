import type { KeyDeclaration, SectionDeclaration } from './key-declaration.ts';

type Defaults = Readonly<Record<string, number | boolean>>;

/** A key that several sections share, each with a default of its own. */
export type VariantKeyDeclaration = KeyDeclaration extends infer Key
  ? Key extends { readonly type: 'integer' | 'boolean' }
    ? Omit<Key, 'default'> & { readonly default: Defaults }
    : never
  : never;

export type VariantKeys = Readonly<Record<string, VariantKeyDeclaration>>;

/** The section `path`, made of the shared keys with the defaults of `variant`. */
export function variantSection(
  path: string,
  doc: string,
  keys: VariantKeys,
  variant: string,
): SectionDeclaration {
  const expanded: [string, KeyDeclaration][] = [];
  for (const [field, declaration] of Object.entries(keys)) {
    const value = declaration.default[variant];
    if (value === undefined) continue;
    // The pairing of type and default is that of the shared declaration; a test checks it.
    expanded.push([field, { ...declaration, default: value } as KeyDeclaration]);
  }
  return { path, doc, keys: Object.fromEntries(expanded) };
}
