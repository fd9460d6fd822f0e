import { describeDeadKey } from './describe-effect.ts';
import type { Findings } from './findings.ts';
import type { ConfigValue } from './key-declaration.ts';
import { editDistance } from './nearest-name.ts';
import { readValue } from './read-value.ts';
import { flatSpellings, joinPath, schema } from './schema.ts';
import { describeOrigin, type Origin, type SettingNode, type TableNode } from './setting-node.ts';
import { describeUnknownKey } from './unknown-key.ts';

/** A key that one layer sets. */
export interface Setting {
  readonly value: ConfigValue;
  readonly origin: Origin;
  /** The spelling that the user chose. */
  readonly spelling: string;
}

/** By the first spelling of the key. */
export type Layer = Map<string, Setting>;

/** Holds what the user wrote against the schema; unknown keys and bad values are reported. */
export function readLayer(root: TableNode, findings: Findings): Layer {
  const layer: Layer = new Map();
  readTable(root, '', layer, findings);
  return layer;
}

function readTable(table: TableNode, path: string, layer: Layer, findings: Findings): void {
  for (const [name, node] of table.entries) {
    const spelling = joinPath(path, name);
    // Names are joined by dots: one that holds a dot itself could pass for a path.
    const plain = name !== '' && !name.includes('.');
    if (!plain) {
      findings.problem(describeUnknownKey(path, name), { origin: node.origin, key: spelling });
    } else if (schema.bySpelling.has(spelling)) {
      readKey(spelling, node, layer, findings);
    } else if (schema.tables.has(spelling)) {
      if (node.kind === 'table') readTable(node, spelling, layer, findings);
      else {
        findings.problem(`${spelling} is a table: write [${spelling}] and its keys below`, {
          origin: node.origin,
          key: spelling,
        });
      }
    } else if (isDead(path, name)) {
      findings.warn(describeDeadKey(spelling, undefined, node.origin));
    } else {
      findings.problem(describeUnknownKey(path, name), { origin: node.origin, key: spelling });
    }
  }
}

/** Letters that a slip of the pen changes. */
const slipMax = 2;

/** Undeclared, but of a kind that old files hold - unless it looks like a slip of the pen. */
function isDead(path: string, name: string): boolean {
  const section = schema.tables.get(path);
  const prefixes = section?.deadPrefixes ?? [];
  if (section === undefined || !prefixes.some((prefix) => name.startsWith(prefix))) return false;
  return Object.values(section.keys).every(({ key }) => editDistance(name, key) > slipMax);
}

function readKey(spelling: string, node: SettingNode, layer: Layer, findings: Findings): void {
  const targets = schema.bySpelling.get(spelling) ?? [];
  const flat = flatSpellings.has(spelling);
  let reading: { readonly value: ConfigValue | undefined } | undefined;
  for (const { path, declaration } of targets) {
    if (declaration.type === 'ignored') {
      findings.warn(describeDeadKey(spelling, declaration.deadReason, node.origin));
      continue;
    }
    // Targets of one spelling differ only in their defaults: the value is read once.
    reading ??= { value: readValue(declaration, node, { key: spelling, findings }) };
    if (reading.value === undefined) {
      findings.markBroken(path);
      continue;
    }
    const setting: Setting = { value: reading.value, origin: node.origin, spelling };
    const other = layer.get(path);
    if (other === undefined || flatSpellings.has(other.spelling)) layer.set(path, setting);
    else if (!flat) reportTwice(spelling, other, setting, findings);
  }
}

function reportTwice(spelling: string, other: Setting, setting: Setting, findings: Findings): void {
  const place = describeOrigin(other.origin);
  findings.problem(`${spelling} and ${other.spelling} (${place}) are the same key: keep one`, {
    origin: setting.origin,
    key: spelling,
  });
}
