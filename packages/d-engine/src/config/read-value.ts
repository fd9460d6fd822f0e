import { boundsOf } from './bounds.ts';
import type { ConfigValue, IgnoredKey, KeyDeclaration } from './key-declaration.ts';
import { readDuration } from './read-duration.ts';
import { readFlushPolicy } from './read-flush-policy.ts';
import { readMembers } from './read-members.ts';
import {
  type ReadContext,
  readAddress,
  readBoolean,
  readChoice,
  readInteger,
  readText,
  readTextList,
} from './read-scalar.ts';
import type { SettingNode } from './setting-node.ts';

/** The value of a key as declared; undefined after a problem was reported. */
export function readValue(
  declaration: Exclude<KeyDeclaration, IgnoredKey>,
  node: SettingNode,
  context: ReadContext,
): ConfigValue | undefined {
  switch (declaration.type) {
    case 'integer':
      return readInteger(node, boundsOf(declaration), declaration.clampAbove ?? false, context);
    case 'duration':
      return readDuration(node, boundsOf(declaration), context);
    case 'boolean':
      return readBoolean(node, context);
    case 'text':
    case 'path':
      return readText(node, context);
    case 'address':
      return readAddress(node, context);
    case 'choice':
      return readChoice(node, declaration.choices, context);
    case 'text-list':
      return readTextList(node, context);
    case 'flush-policy':
      return readFlushPolicy(node, context);
    case 'members':
      return readMembers(node, context);
  }
}
