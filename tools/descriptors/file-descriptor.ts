import { ProtobufWriter } from '@d-engine/base';
import protobuf from 'protobufjs';

/** A `.proto` file as a google.protobuf.FileDescriptorProto, and the names that it defines. */
export interface FileDescriptor {
  readonly name: string;
  readonly dependencies: readonly string[];
  /** Full names. */
  readonly services: readonly string[];
  /** Full names of services, methods, messages and enums. */
  readonly symbols: readonly string[];
  readonly bytes: Uint8Array;
}

/** Of `google.protobuf.FieldDescriptorProto.Type`; others are of no use here. */
const scalarTypes: Readonly<Record<string, number>> = {
  int64: 3,
  uint64: 4,
  int32: 5,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
};
const messageType = 11;
const enumType = 14;
const labelOptional = 1;
const labelRepeated = 3;

/** `text` is of the file `name`; `load` gives the text of those that it imports. */
export function describeFile(
  name: string,
  text: string,
  load: (name: string) => string,
): FileDescriptor {
  const root = new protobuf.Root();
  const parsed = protobuf.parse(text, root, { keepCase: true });
  const packageName = parsed.package ?? '';
  const dependencies = parsed.imports ?? [];
  const space = root.lookup(packageName);
  if (!(space instanceof protobuf.Namespace)) throw new Error(`${name} has no package`);
  const own = space.nestedArray.slice();
  loadImports(root, dependencies, load);
  root.resolveAll();

  const symbols: string[] = [];
  const writer = new ProtobufWriter(4_096);
  writer.string(1, name);
  writer.string(2, packageName);
  for (const dependency of dependencies) writer.string(3, dependency);
  for (const item of own) {
    if (item instanceof protobuf.Type) writer.bytes(4, describeMessage(item, symbols));
  }
  for (const item of own) {
    if (item instanceof protobuf.Enum) writer.bytes(5, describeEnum(item, symbols));
  }
  for (const item of own) {
    if (item instanceof protobuf.Service) writer.bytes(6, describeService(item, symbols));
  }
  writer.string(12, 'proto3');
  const services = own.filter((item) => item instanceof protobuf.Service).map(fullName);
  return { name, dependencies, services, symbols, bytes: writer.finish() };
}

function loadImports(
  root: protobuf.Root,
  names: readonly string[],
  load: (name: string) => string,
  seen: Set<string> = new Set(),
): void {
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    const { imports } = protobuf.parse(load(name), root, { keepCase: true });
    loadImports(root, imports ?? [], load, seen);
  }
}

function describeMessage(type: protobuf.Type, symbols: string[]): Uint8Array {
  symbols.push(fullName(type));
  const writer = new ProtobufWriter(1_024);
  writer.string(1, type.name);
  // Those that stand for `optional` come behind the real ones.
  const oneofs = type.oneofsArray.toSorted((a, b) => Number(isOptional(a)) - Number(isOptional(b)));
  for (const field of type.fieldsArray) writer.bytes(2, describeField(field, oneofs));
  for (const item of type.nestedArray) {
    if (item instanceof protobuf.Type) writer.bytes(3, describeMessage(item, symbols));
  }
  for (const item of type.nestedArray) {
    if (item instanceof protobuf.Enum) writer.bytes(4, describeEnum(item, symbols));
  }
  for (const oneof of oneofs) writer.bytes(8, named(oneof.name));
  return writer.finish();
}

function isOptional(oneof: protobuf.OneOf): boolean {
  return oneof.fieldsArray.some((field) => field.options?.['proto3_optional'] === true);
}

function describeField(field: protobuf.Field, oneofs: readonly protobuf.OneOf[]): Uint8Array {
  if (field.map) throw new Error(`${field.fullName}: maps are not described`);
  const writer = new ProtobufWriter(128);
  writer.string(1, field.name);
  writer.uint(3, field.id);
  writer.uint(4, field.repeated ? labelRepeated : labelOptional);
  const { resolvedType } = field;
  if (resolvedType === null) {
    const scalar = scalarTypes[field.type];
    if (scalar === undefined) throw new Error(`${field.fullName}: no type ${field.type}`);
    writer.uint(5, scalar);
  } else {
    writer.uint(5, resolvedType instanceof protobuf.Enum ? enumType : messageType);
    writer.string(6, resolvedType.fullName);
  }
  if (field.partOf !== null) writer.uint(9, oneofs.indexOf(field.partOf));
  writer.string(10, protobuf.util.camelCase(field.name));
  if (field.options?.['proto3_optional'] === true) writer.bool(17, true);
  return writer.finish();
}

function describeEnum(type: protobuf.Enum, symbols: string[]): Uint8Array {
  symbols.push(fullName(type));
  const writer = new ProtobufWriter(512);
  writer.string(1, type.name);
  for (const [name, number] of Object.entries(type.values)) {
    const value = new ProtobufWriter(64);
    value.string(1, name);
    value.uint(2, number);
    writer.bytes(2, value.finish());
  }
  return writer.finish();
}

function describeService(service: protobuf.Service, symbols: string[]): Uint8Array {
  symbols.push(fullName(service));
  const writer = new ProtobufWriter(512);
  writer.string(1, service.name);
  for (const method of service.methodsArray) {
    symbols.push(`${fullName(service)}.${method.name}`);
    const { resolvedRequestType: request, resolvedResponseType: response } = method;
    if (request === null || response === null) throw new Error(`${method.fullName}: no types`);
    const inner = new ProtobufWriter(128);
    inner.string(1, method.name);
    inner.string(2, request.fullName);
    inner.string(3, response.fullName);
    if (method.requestStream === true) inner.bool(5, true);
    if (method.responseStream === true) inner.bool(6, true);
    writer.bytes(2, inner.finish());
  }
  return writer.finish();
}

function named(name: string): Uint8Array {
  const writer = new ProtobufWriter(32);
  writer.string(1, name);
  return writer.finish();
}

/** Without the dot in front. */
function fullName(item: protobuf.ReflectionObject): string {
  return item.fullName.slice(1);
}
