import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import {
  isReflectMessage,
  type ReflectList,
  type ReflectMessage,
  reflect,
} from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { must } from '@d-engine/base';
import { allDescriptors } from './proto-files.ts';

// Another implementation of protobuf, which knows our messages by their descriptors.

const registry: FileRegistry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: allDescriptors().map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes)),
  }),
);

/** Fields by their names in camel case: numbers for integers and enums, no wrapper for a oneof. */
export type Theirs = Readonly<Record<string, unknown>>;

export function encodeTheirs(typeName: string, object: Theirs): Uint8Array {
  const { desc, message } = build(descriptorOf(typeName), object);
  return toBinary(desc, message);
}

/** What that implementation makes of our bytes, in the shape that {@link encodeTheirs} takes. */
export function decodeTheirs(typeName: string, bytes: Uint8Array): Theirs {
  const desc = descriptorOf(typeName);
  return plain(reflect(desc, fromBinary(desc, bytes)));
}

function descriptorOf(typeName: string): DescMessage {
  return must(registry.getMessage(typeName), typeName);
}

function build(desc: DescMessage, object: Theirs): ReflectMessage {
  const message = reflect(desc);
  for (const [name, value] of Object.entries(object)) {
    const field = must(desc.field[name], `${desc.typeName}.${name}`);
    if (value === undefined || value === null) continue;
    if (field.fieldKind === 'list') {
      const list: ReflectList = message.get(field);
      for (const item of value as unknown[]) list.add(partOf(field, item));
      message.set(field, list);
    } else message.set(field, partOf(field, value));
  }
  return message;
}

function partOf(field: DescField, value: unknown): unknown {
  if (field.message !== undefined) return build(field.message, value as Theirs);
  return isLong(field) ? BigInt(value as number | bigint) : value;
}

/** The object with one of its 64-bit numbers, each in turn, replaced; also in messages within. */
export function withLargeNumbers(typeName: string, object: Theirs, number: bigint): Theirs[] {
  return variantsOf(descriptorOf(typeName), object, number);
}

function variantsOf(desc: DescMessage, object: Theirs, number: bigint): Theirs[] {
  return Object.entries(object).flatMap(([name, value]) => {
    const field = must(desc.field[name], name);
    if (value === undefined || value === null || field.fieldKind === 'list') return [];
    if (isLong(field)) return [{ ...object, [name]: number }];
    if (field.message === undefined) return [];
    const parts = variantsOf(field.message, value as Theirs, number);
    return parts.map((part) => ({ ...object, [name]: part }));
  });
}

function isLong(field: DescField): boolean {
  return field.scalar === ScalarType.UINT64 || field.scalar === ScalarType.INT64;
}

function plain(message: ReflectMessage): Theirs {
  const object: Record<string, unknown> = {};
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const value: unknown = message.get(field);
    object[field.localName] =
      field.fieldKind === 'list'
        ? Array.from(value as Iterable<unknown>, plainPart)
        : plainPart(value);
  }
  return object;
}

function plainPart(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return isReflectMessage(value) ? plain(value) : value;
}

/** The value with bytes as text: a Buffer and a Uint8Array of the same bytes are the same to us. */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, comparable(part)]));
}
