import { type FailureStatus, ProtobufReader, ProtobufWriter, statusCodes } from '@d-engine/base';

/** A `ServerReflectionRequest`; v1 and v1alpha differ in the name of their package alone. */
export interface ReflectionRequest {
  /** Not looked at, and sent back. */
  readonly bytes: Uint8Array;
  readonly host: string;
  readonly ask:
    | { readonly kind: 'file'; readonly name: string }
    | { readonly kind: 'symbol'; readonly name: string }
    | { readonly kind: 'extension'; readonly type: string }
    | { readonly kind: 'extensions'; readonly type: string }
    | { readonly kind: 'services' }
    | { readonly kind: 'nothing' };
}

export type ReflectionAnswer =
  | { readonly kind: 'files'; readonly files: readonly Uint8Array[] }
  | { readonly kind: 'extensions'; readonly type: string }
  | { readonly kind: 'services'; readonly names: readonly string[] }
  | { readonly kind: 'error'; readonly status: FailureStatus; readonly message: string };

export function decodeReflectionRequest(bytes: Uint8Array): ReflectionRequest {
  const reader = new ProtobufReader(bytes);
  let host = '';
  let ask: ReflectionRequest['ask'] = { kind: 'nothing' };
  while (reader.next()) {
    if (reader.field === 1) host = reader.string();
    else if (reader.field === 3) ask = { kind: 'file', name: reader.string() };
    else if (reader.field === 4) ask = { kind: 'symbol', name: reader.string() };
    else if (reader.field === 5) ask = { kind: 'extension', type: typeOf(reader.bytes()) };
    else if (reader.field === 6) ask = { kind: 'extensions', type: reader.string() };
    else if (reader.field === 7) {
      reader.string();
      ask = { kind: 'services' };
    } else reader.skip();
  }
  return { bytes, host, ask };
}

/** Of an `ExtensionRequest`. */
function typeOf(bytes: Uint8Array): string {
  const reader = new ProtobufReader(bytes);
  let type = '';
  while (reader.next()) {
    if (reader.field === 1) type = reader.string();
    else reader.skip();
  }
  return type;
}

export function encodeReflectionResponse(
  request: ReflectionRequest,
  answer: ReflectionAnswer,
): Uint8Array {
  const writer = new ProtobufWriter(4_096);
  if (request.host !== '') writer.string(1, request.host);
  writer.bytes(2, request.bytes);
  const inner = new ProtobufWriter(4_096);
  switch (answer.kind) {
    case 'files':
      for (const file of answer.files) inner.bytes(1, file);
      writer.bytes(4, inner.finish());
      break;
    case 'extensions':
      inner.string(1, answer.type);
      writer.bytes(5, inner.finish());
      break;
    case 'services':
      for (const name of answer.names) {
        const service = new ProtobufWriter(64);
        service.string(1, name);
        inner.bytes(1, service.finish());
      }
      writer.bytes(6, inner.finish());
      break;
    case 'error':
      inner.uint(1, statusCodes[answer.status]);
      inner.string(2, answer.message);
      writer.bytes(7, inner.finish());
      break;
  }
  return writer.finish();
}
