import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const protoRoot = fileURLToPath(new URL('../proto/', import.meta.url));

function loadAll(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('/') ? target : `${protoRoot}${target}`;
  const files = readdirSync(protoRoot, { recursive: true, encoding: 'utf8' });
  root.loadSync(files.filter((file) => file.endsWith('.proto')).map((file) => protoRoot + file));
  root.resolveAll();
  return root;
}

/** All of our .proto files, read by another implementation of protobuf. */
export const protos: protobuf.Root = loadAll();

export type Theirs = Readonly<Record<string, unknown>>;

/** The canonical encoding by protobufjs: implicit fields that hold their default are left out. */
export function encodeTheirs(typeName: string, object: Theirs): Uint8Array {
  const type = protos.lookupType(typeName);
  return type.encode(type.create(withoutDefaults(type, object))).finish();
}

/** What protobufjs makes of our bytes, in the shape that {@link encodeTheirs} takes. */
export function decodeTheirs(typeName: string, bytes: Uint8Array): Theirs {
  const type = protos.lookupType(typeName);
  return type.toObject(type.decode(bytes), { longs: Number, enums: Number });
}

export function withoutDefaults(type: protobuf.Type, object: Theirs): Theirs {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    const field = type.fields[name];
    if (field === undefined) throw new Error(`${type.fullName} has no field ${name}`);
    if (value === undefined || value === null) continue;
    const inner = field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
    if (field.repeated) {
      const items = value as Theirs[];
      if (items.length > 0) {
        kept[name] = inner ? items.map((item) => withoutDefaults(inner, item)) : items;
      }
    } else if (inner !== undefined) kept[name] = withoutDefaults(inner, value as Theirs);
    else if (field.partOf !== null || !isDefault(value)) kept[name] = value;
  }
  return kept;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === 0 || value === '' || value === false;
}

/** The value with bytes as text: a Buffer and a Uint8Array of the same bytes are the same to us. */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, comparable(part)]));
}
