import { type Bounds, describeBounds } from './bounds.ts';
import type { Findings } from './findings.ts';
import { parseHostPort } from './host-port.ts';
import { parseJsonSetting } from './parse-json.ts';
import { describeNode, describeOrigin, type SettingNode } from './setting-node.ts';

/** Each reader returns undefined after it has reported what is wrong. */
export interface ReadContext {
  /** As the user wrote it. */
  readonly key: string;
  readonly findings: Findings;
}

export function wrongType(node: SettingNode, expected: string, context: ReadContext): undefined {
  const { key, findings } = context;
  findings.problem(`${key} must be ${expected}, not ${describeNode(node)}`, {
    origin: node.origin,
    key,
  });
  return undefined;
}

function integerOf(node: SettingNode): number | undefined {
  if (node.kind === 'integer') return node.value;
  if (node.kind !== 'text' || !/^[+-]?\d+(_\d+)*$/.test(node.value)) return undefined;
  return Number(node.value.replaceAll('_', ''));
}

export function readInteger(
  node: SettingNode,
  bounds: Bounds,
  clampAbove: boolean,
  context: ReadContext,
): number | undefined {
  const value = integerOf(node);
  if (value === undefined) return wrongType(node, 'a whole number', context);
  const { key, findings } = context;
  if (clampAbove && value > bounds.maximum) {
    const place = describeOrigin(node.origin);
    findings.warn(`config key ${key} = ${value} runs as ${bounds.maximum}, the most (${place})`);
    return bounds.maximum;
  }
  if (value < bounds.minimum || value > bounds.maximum) {
    findings.problem(`${key} = ${value} is out of range: it must be ${describeBounds(bounds)}`, {
      origin: node.origin,
      key,
    });
    return undefined;
  }
  return value;
}

export function readBoolean(node: SettingNode, context: ReadContext): boolean | undefined {
  if (node.kind === 'boolean') return node.value;
  const text = node.kind === 'text' ? node.value.toLowerCase() : '';
  if (text === 'true') return true;
  if (text === 'false') return false;
  return wrongType(node, 'true or false', context);
}

export function readText(node: SettingNode, context: ReadContext): string | undefined {
  if (node.kind !== 'string' && node.kind !== 'text') return wrongType(node, 'a text', context);
  if (node.value.trim() === '') return wrongType(node, 'a text of at least one letter', context);
  return node.value;
}

export function readAddress(node: SettingNode, context: ReadContext): string | undefined {
  const text = readText(node, context);
  if (text === undefined) return undefined;
  if (parseHostPort(text) !== undefined) return text;
  return wrongType(node, 'host:port with a port from 1 to 65535, such as 127.0.0.1:9081', context);
}

/** Upper and lower case count alike; the result is spelled as declared. */
export function readChoice(
  node: SettingNode,
  choices: readonly string[],
  context: ReadContext,
): string | undefined {
  const text = node.kind === 'string' || node.kind === 'text' ? node.value.toLowerCase() : '';
  const choice = choices.find((candidate) => candidate.toLowerCase() === text);
  if (choice !== undefined) return choice;
  const list = choices.map((candidate) => `"${candidate}"`).join(' or ');
  return wrongType(node, list, context);
}

/** An array of texts; in the environment also `a,b`. */
export function readTextList(
  node: SettingNode,
  context: ReadContext,
): readonly string[] | undefined {
  if (node.kind === 'text' && !node.value.startsWith('[')) {
    return node.value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }
  const array = structureOf(node);
  if (array?.kind !== 'array') return wrongType(node, 'an array of texts', context);
  const texts: string[] = [];
  for (const item of array.items) {
    const text = readText(item, context);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

/** Tables and arrays come as JSON from the environment; undefined when that is malformed. */
export function structureOf(node: SettingNode): SettingNode | undefined {
  if (node.kind !== 'text' || !/^[[{]/.test(node.value)) return node;
  return parseJsonSetting(node.value, node.origin);
}
