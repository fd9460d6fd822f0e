import { MalformedMessage, ProtobufReader, ProtobufWriter } from './protobuf.ts';

/**
 * A client's write, message `WriteCommand` of the original's client protocol. Its bytes, as the
 * client sent them, are the payload of the log entry.
 */
export type WriteCommand =
  | {
      readonly type: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly ttlMs: number;
    }
  | { readonly type: 'delete'; readonly key: Uint8Array }
  | {
      readonly type: 'compareAndSwap';
      readonly key: Uint8Array;
      /** Null: the key must be absent. */
      readonly expected: Uint8Array | null;
      /** Null: delete the key. */
      readonly value: Uint8Array | null;
      readonly ttlMs: number;
    };

const empty: Uint8Array = new Uint8Array(0);

export function encodeWriteCommand(command: WriteCommand): Uint8Array {
  switch (command.type) {
    case 'put': {
      const size = command.key.length + command.value.length + 24;
      const inner = new ProtobufWriter(size);
      writeBytes(inner, 1, command.key);
      writeBytes(inner, 2, command.value);
      writeTtl(inner, command.ttlMs);
      return wrap(1, inner, size + 8);
    }
    case 'delete': {
      const inner = new ProtobufWriter(command.key.length + 8);
      writeBytes(inner, 1, command.key);
      return wrap(2, inner, command.key.length + 16);
    }
    case 'compareAndSwap': {
      const inner = new ProtobufWriter();
      writeBytes(inner, 1, command.key);
      if (command.expected !== null) inner.bytes(2, command.expected);
      if (command.value === null) inner.bool(100, true);
      else writeBytes(inner, 3, command.value);
      if (command.ttlMs > 0) inner.uint(101, command.ttlMs);
      return wrap(3, inner, 128);
    }
  }
}

function wrap(field: number, inner: ProtobufWriter, expectedBytes: number): Uint8Array {
  const outer = new ProtobufWriter(expectedBytes);
  outer.bytes(field, inner.finish());
  return outer.finish();
}

function writeBytes(writer: ProtobufWriter, field: number, value: Uint8Array): void {
  if (value.length > 0) writer.bytes(field, value);
}

/** Whole seconds go where the original puts them; milliseconds in our own field. */
function writeTtl(writer: ProtobufWriter, ttlMs: number): void {
  if (ttlMs <= 0) return;
  if (ttlMs % 1000 === 0) writer.uint(3, ttlMs / 1000);
  else writer.uint(100, ttlMs);
}

/** Throws {@link MalformedMessage} when the bytes are no command. Keys and values are views. */
export function decodeWriteCommand(bytes: Uint8Array): WriteCommand {
  const reader = new ProtobufReader(bytes);
  let command: WriteCommand | undefined;
  while (reader.next()) {
    if (reader.field === 1) command = decodePut(reader.bytes());
    else if (reader.field === 2) command = decodeDelete(reader.bytes());
    else if (reader.field === 3) command = decodeCompareAndSwap(reader.bytes());
    else throw new MalformedMessage(`write command ${reader.field} is not known`);
  }
  if (command === undefined) throw new MalformedMessage('a write without a command');
  return command;
}

function decodePut(bytes: Uint8Array): WriteCommand {
  const reader = new ProtobufReader(bytes);
  let key = empty;
  let value = empty;
  let ttlMs = 0;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) ttlMs = reader.uint() * 1000;
    else if (reader.field === 100) ttlMs = reader.uint();
    else reader.skip();
  }
  return { type: 'put', key, value, ttlMs: exactTtl(ttlMs) };
}

function decodeDelete(bytes: Uint8Array): WriteCommand {
  const reader = new ProtobufReader(bytes);
  let key = empty;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else reader.skip();
  }
  return { type: 'delete', key };
}

function decodeCompareAndSwap(bytes: Uint8Array): WriteCommand {
  const reader = new ProtobufReader(bytes);
  let key = empty;
  let expected: Uint8Array | null = null;
  let value: Uint8Array | null = empty;
  let ttlMs = 0;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) expected = reader.bytes();
    else if (reader.field === 3) value = reader.bytes();
    else if (reader.field === 100) value = reader.bool() ? null : value;
    else if (reader.field === 101) ttlMs = reader.uint();
    else reader.skip();
  }
  return { type: 'compareAndSwap', key, expected, value, ttlMs: exactTtl(ttlMs) };
}

function exactTtl(ttlMs: number): number {
  if (!Number.isSafeInteger(ttlMs)) throw new MalformedMessage('the TTL is over 2^53 ms');
  return ttlMs;
}
