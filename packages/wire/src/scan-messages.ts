import { ProtobufReader, ProtobufWriter, type Revision } from '@d-engine/base';
import { emptyBytes, writeBytes, writeUint } from './fields.ts';

/** `d_engine.client.ScanRequest`. */
export interface ScanRequest {
  readonly clientId: number;
  readonly prefix: Uint8Array;
}

/** `d_engine.client.ScanResponse`. */
export interface ScanResponse {
  readonly entries: readonly ScanEntry[];
  /** The revision that the scan saw. */
  readonly revision: Revision;
}

export interface ScanEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function encodeScanRequest(request: ScanRequest): Uint8Array {
  const writer = new ProtobufWriter(request.prefix.length + 16);
  writeUint(writer, 1, request.clientId);
  writeBytes(writer, 2, request.prefix);
  return writer.finish();
}

export function decodeScanRequest(bytes: Uint8Array): ScanRequest {
  const reader = new ProtobufReader(bytes);
  let clientId = 0;
  let prefix = emptyBytes;
  while (reader.next()) {
    if (reader.field === 1) clientId = reader.uint();
    else if (reader.field === 2) prefix = reader.bytes();
    else reader.skip();
  }
  return { clientId, prefix };
}

export function encodeScanResponse(response: ScanResponse): Uint8Array {
  const writer = new ProtobufWriter();
  for (const entry of response.entries) {
    const inner = new ProtobufWriter(entry.key.length + entry.value.length + 16);
    writeBytes(inner, 1, entry.key);
    writeBytes(inner, 2, entry.value);
    writer.bytes(1, inner.finish());
  }
  writeUint(writer, 2, response.revision);
  return writer.finish();
}

export function decodeScanResponse(bytes: Uint8Array): ScanResponse {
  const reader = new ProtobufReader(bytes);
  const entries: ScanEntry[] = [];
  let revision = 0;
  while (reader.next()) {
    if (reader.field === 1) entries.push(decodeEntry(reader.bytes()));
    else if (reader.field === 2) revision = reader.uint();
    else reader.skip();
  }
  return { entries, revision };
}

function decodeEntry(bytes: Uint8Array): ScanEntry {
  const reader = new ProtobufReader(bytes);
  let key = emptyBytes;
  let value = emptyBytes;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else reader.skip();
  }
  return { key, value };
}
