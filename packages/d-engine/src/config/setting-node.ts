/** Where the user wrote something. */
export type Origin =
  | {
      readonly kind: 'file';
      readonly file: string;
      /** Both count from 1. */
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: 'environment'; readonly variable: string }
  /** An object that the host's code made. */
  | { readonly kind: 'object' };

/** `n1.toml:3`, or the name of the variable. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}`;
    case 'environment':
      return origin.variable;
    case 'object':
      return 'the config object';
  }
}

export interface TableNode {
  readonly kind: 'table';
  readonly entries: Map<string, SettingNode>;
  readonly origin: Origin;
}

export interface ArrayNode {
  readonly kind: 'array';
  readonly items: SettingNode[];
  readonly origin: Origin;
}

/** `text` comes from the environment: what it means depends on the key. */
export interface TextNode {
  readonly kind: 'text' | 'string' | 'date-time';
  readonly value: string;
  readonly origin: Origin;
}

export interface NumberNode {
  readonly kind: 'integer' | 'float';
  readonly value: number;
  readonly origin: Origin;
}

export interface BooleanNode {
  readonly kind: 'boolean';
  readonly value: boolean;
  readonly origin: Origin;
}

/** One layer of settings as written, each part with its place. */
export type SettingNode = TableNode | ArrayNode | TextNode | NumberNode | BooleanNode;

export function newTable(origin: Origin): TableNode {
  return { kind: 'table', entries: new Map(), origin };
}

/** For messages: what stands where something else was expected. */
export function describeNode(node: SettingNode): string {
  switch (node.kind) {
    case 'table':
      return 'a table';
    case 'array':
      return 'an array';
    case 'date-time':
      return `the date ${node.value}`;
    case 'text':
    case 'string':
      return JSON.stringify(node.value);
    case 'integer':
    case 'float':
    case 'boolean':
      return String(node.value);
  }
}
