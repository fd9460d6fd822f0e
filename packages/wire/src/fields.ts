import { MalformedMessage, type ProtobufWriter } from '@d-engine/base';

// proto3 leaves out fields that hold their default; these helpers do, so that our encodings are
// byte for byte those of the generated codecs.

export const emptyBytes: Uint8Array = new Uint8Array(0);

export function writeUint(writer: ProtobufWriter, field: number, value: number): void {
  if (value !== 0) writer.uint(field, value);
}

export function writeBool(writer: ProtobufWriter, field: number, value: boolean): void {
  if (value) writer.bool(field, true);
}

export function writeBytes(writer: ProtobufWriter, field: number, value: Uint8Array): void {
  if (value.length > 0) writer.bytes(field, value);
}

export function writeString(writer: ProtobufWriter, field: number, value: string): void {
  if (value !== '') writer.string(field, value);
}

/** Names of an enum's numbers, both ways. */
export interface EnumCodec<Name extends string> {
  toNumber(name: Name): number;
  /** Throws {@link MalformedMessage} for a number without a name. */
  toName(value: number): Name;
  /** The name, or undefined for a number that this version does not know. */
  find(value: number): Name | undefined;
}

export function enumCodec<Name extends string>(
  what: string,
  numbers: Readonly<Record<Name, number>>,
): EnumCodec<Name> {
  const names = new Map<number, Name>();
  for (const name of Object.keys(numbers) as Name[]) names.set(numbers[name], name);
  return {
    toNumber: (name) => numbers[name],
    find: (value) => names.get(value),
    toName(value) {
      const name = names.get(value);
      if (name === undefined) throw new MalformedMessage(`${what} ${value} is not known`);
      return name;
    },
  };
}
