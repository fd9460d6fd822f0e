import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import type { Findings } from './findings.ts';
import { newTable, type Origin, type SettingNode, type TableNode } from './setting-node.ts';

type KeySegment = AST.TOMLKey['keys'][number];

/** The parser's shortest messages, in words that say what to do. */
const plainerMessages: ReadonlyMap<string, string> = new Map([
  ['Must be a newline', 'unexpected text after the value'],
  ['Unterminated table-key', 'a table is written [name], its keys on lines of their own'],
  ['Defining a key multiple times is invalid', 'the key is there already'],
]);

/** Reads TOML with the place of each key; undefined when it is not TOML. */
export function parseTomlSettings(
  file: string,
  text: string,
  findings: Findings,
): TableNode | undefined {
  // Some editors begin a file with a byte order mark.
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return readProgram(file, parseTOML(source));
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const origin: Origin = {
      kind: 'file',
      file,
      line: error.lineNumber,
      column: error.column + 1,
    };
    const line = source.split('\n')[error.lineNumber - 1]?.trim() ?? '';
    const reason = plainerMessages.get(error.message) ?? error.message;
    findings.problem(`not valid TOML: ${reason}: ${line}`, { origin });
    return undefined;
  }
}

function readProgram(file: string, program: AST.TOMLProgram): TableNode {
  const root = newTable({ kind: 'file', file, line: 1, column: 1 });
  for (const item of program.body[0].body) {
    if (item.type === 'TOMLKeyValue') {
      putKeyValue(file, root, item);
      continue;
    }
    const table = openTable(file, root, item);
    for (const keyValue of item.body) putKeyValue(file, table, keyValue);
  }
  return root;
}

/** The table that a header names; `[[name]]` begins a new element of the array `name`. */
function openTable(file: string, root: TableNode, header: AST.TOMLTable): TableNode {
  const segments = header.key.keys;
  if (header.kind === 'standard') return descend(file, root, segments);
  const last = segments[segments.length - 1];
  if (last === undefined) return root;
  const parent = descend(file, root, segments.slice(0, -1));
  const origin = originOf(file, last);
  const element = newTable(origin);
  const array = parent.entries.get(nameOf(last));
  if (array?.kind === 'array') array.items.push(element);
  else parent.entries.set(nameOf(last), { kind: 'array', items: [element], origin });
  return element;
}

function putKeyValue(file: string, table: TableNode, keyValue: AST.TOMLKeyValue): void {
  const segments = keyValue.key.keys;
  const last = segments[segments.length - 1];
  if (last === undefined) return;
  const parent = descend(file, table, segments.slice(0, -1));
  parent.entries.set(nameOf(last), readContent(file, keyValue.value, originOf(file, last)));
}

/** Follows the segments from `table`, making tables that are not there yet. */
function descend(file: string, table: TableNode, segments: readonly KeySegment[]): TableNode {
  let current = table;
  for (const segment of segments) {
    const name = nameOf(segment);
    const found = current.entries.get(name);
    const newest = found?.kind === 'array' ? found.items[found.items.length - 1] : found;
    if (newest?.kind === 'table') {
      current = newest;
      continue;
    }
    // The parser has refused anything else that might stand here already.
    const made = newTable(originOf(file, segment));
    current.entries.set(name, made);
    current = made;
  }
  return current;
}

function readContent(file: string, node: AST.TOMLContentNode, origin: Origin): SettingNode {
  switch (node.type) {
    case 'TOMLArray': {
      const items = node.elements.map((element) =>
        readContent(file, element, originOf(file, element)),
      );
      return { kind: 'array', items, origin };
    }
    case 'TOMLInlineTable': {
      const table = newTable(origin);
      for (const keyValue of node.body) putKeyValue(file, table, keyValue);
      return table;
    }
    case 'TOMLValue':
      return readScalar(node, origin);
  }
}

function readScalar(node: AST.TOMLValue, origin: Origin): SettingNode {
  switch (node.kind) {
    case 'string':
      return { kind: 'string', value: node.value, origin };
    case 'integer':
    case 'float':
      return { kind: node.kind, value: node.value, origin };
    case 'boolean':
      return { kind: 'boolean', value: node.value, origin };
    default:
      return { kind: 'date-time', value: node.datetime, origin };
  }
}

function nameOf(segment: KeySegment): string {
  return segment.type === 'TOMLBare' ? segment.name : segment.value;
}

function originOf(file: string, node: AST.TOMLNode): Origin {
  const { line, column } = node.loc.start;
  return { kind: 'file', file, line, column: column + 1 };
}
