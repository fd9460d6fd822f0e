import {
  type Consistency,
  ProtobufReader,
  ProtobufWriter,
  type Revision,
  type TransactionResponse,
} from '@d-engine/base';
import { readConsistencyCodec } from './client-requests.ts';
import { decodeErrorMetadata, type ErrorMetadata, encodeErrorMetadata } from './error-metadata.ts';
import { emptyBytes, writeBytes, writeUint } from './fields.ts';
import type { FoundKey } from './found-key.ts';
import { decodeFoundKey, encodeFoundKey, foundKeyBytesMax } from './found-key.ts';
import type { LeaseState } from './lease-status.ts';
import { decodeLeaseState, encodeLeaseState } from './lease-status.ts';
import { decodeTransactionResponses, encodeTransactionResponses } from './transaction-responses.ts';

/** What a write did. Our fields are absent in answers of the original. */
export interface WriteOutcome {
  /** False only for a compare-and-swap or a transaction whose comparison failed. */
  readonly succeeded: boolean;
  /** Of a delete: whether the key was there. */
  readonly deleted?: boolean | undefined;
  /** Of a failed comparison: what the key held; null when it was absent. */
  readonly current?: Uint8Array | null | undefined;
  /** Of a transaction: what each step did. */
  readonly responses?: readonly TransactionResponse[] | undefined;
  /** Of a lease or session that was granted, opened or renewed. */
  readonly ttlMs?: number | undefined;
  /** The lease that was granted, or the session that is open. */
  readonly id?: Revision | undefined;
  /** Of a revoked lease: how many keys went with it. */
  readonly deletedKeys?: number | undefined;
  /** 0 when unknown. */
  readonly revision: Revision;
}

export interface ReadOutcome {
  /** Absent keys are left out: the caller finds its keys by their bytes. */
  readonly results: readonly FoundKey[];
  /** The revision that the read saw; 0 when unknown. */
  readonly revision: Revision;
  /** How the read was confirmed; undefined when unknown. */
  readonly consistency: Consistency | undefined;
  /** The lease that was asked for instead of keys; undefined when there is none. */
  readonly lease?: LeaseState | undefined;
}

export interface ErrorOutcome {
  /** Of the error registry; not 0. */
  readonly code: number;
  readonly metadata: ErrorMetadata;
}

/** `d_engine.client.ClientResponse`, by what it says. `empty`: neither result nor error. */
export type ClientResponse =
  | ({ readonly type: 'write' } & WriteOutcome)
  | ({ readonly type: 'read' } & ReadOutcome)
  | ({ readonly type: 'error' } & ErrorOutcome)
  | { readonly type: 'empty' };

// WriteResult { succeeded = 1 } has two encodings in all: no need to build either again.
const succeededBytes: Uint8Array = Uint8Array.of(8, 1);

export function encodeClientResponse(response: ClientResponse): Uint8Array {
  switch (response.type) {
    case 'write':
      return encodeWrite(response);
    case 'read':
      return encodeRead(response);
    case 'error': {
      const writer = new ProtobufWriter(128);
      writeUint(writer, 1, response.code);
      writer.bytes(4, encodeErrorMetadata(response.metadata));
      return writer.finish();
    }
    case 'empty':
      return emptyBytes;
  }
}

function encodeWrite(outcome: WriteOutcome): Uint8Array {
  const writer = new ProtobufWriter(32 + (outcome.current?.length ?? 0));
  writer.bytes(2, outcome.succeeded ? succeededBytes : emptyBytes);
  writeUint(writer, 100, outcome.revision);
  if (outcome.deleted !== undefined) writer.bool(101, outcome.deleted);
  if (outcome.current !== undefined) {
    if (outcome.current !== null) writeBytes(writer, 102, outcome.current);
    writer.bool(103, outcome.current !== null);
  }
  if (outcome.responses !== undefined) {
    writer.bytes(105, encodeTransactionResponses(outcome.responses));
  }
  if (outcome.ttlMs !== undefined) writer.uint(106, outcome.ttlMs);
  if (outcome.id !== undefined) writer.uint(107, outcome.id);
  if (outcome.deletedKeys !== undefined) writer.uint(108, outcome.deletedKeys);
  return writer.finish();
}

function encodeRead(outcome: ReadOutcome): Uint8Array {
  let bytes = 32;
  for (const found of outcome.results) bytes += foundKeyBytesMax(found) + 8;
  const results = new ProtobufWriter(bytes);
  for (const found of outcome.results) results.bytes(1, encodeFoundKey(found));
  const writer = new ProtobufWriter(bytes);
  writer.bytes(3, results.finish());
  writeUint(writer, 100, outcome.revision);
  if (outcome.consistency !== undefined) {
    writer.uint(104, readConsistencyCodec.toNumber(outcome.consistency));
  }
  if (outcome.lease !== undefined) writer.bytes(109, encodeLeaseState(outcome.lease));
  return writer.finish();
}

/** The fields of a response before it is known which of them matter. */
interface RawResponse {
  code: number;
  result: 'write' | 'read' | undefined;
  succeeded: boolean;
  results: readonly FoundKey[];
  metadata: ErrorMetadata;
  revision: Revision;
  deleted: boolean | undefined;
  current: Uint8Array;
  currentPresent: boolean | undefined;
  consistency: Consistency | undefined;
  responses: readonly TransactionResponse[] | undefined;
  ttlMs: number | undefined;
  id: Revision | undefined;
  deletedKeys: number | undefined;
  lease: LeaseState | undefined;
}

/** Keys and values are views into the response. Throws `MalformedMessage`. */
export function decodeClientResponse(bytes: Uint8Array): ClientResponse {
  const raw = readFields(bytes);
  if (raw.code !== 0) return { type: 'error', code: raw.code, metadata: raw.metadata };
  if (raw.result === 'read') {
    const { results, revision, consistency, lease } = raw;
    return { type: 'read', results, revision, consistency, lease };
  }
  if (raw.result === undefined) return { type: 'empty' };
  return {
    type: 'write',
    succeeded: raw.succeeded,
    deleted: raw.deleted,
    current: raw.currentPresent === undefined ? undefined : raw.currentPresent ? raw.current : null,
    revision: raw.revision,
    responses: raw.responses,
    ttlMs: raw.ttlMs,
    id: raw.id,
    deletedKeys: raw.deletedKeys,
  };
}

function readFields(bytes: Uint8Array): RawResponse {
  const reader = new ProtobufReader(bytes);
  const raw: RawResponse = {
    code: 0,
    result: undefined,
    succeeded: false,
    results: [],
    metadata: {},
    revision: 0,
    deleted: undefined,
    current: emptyBytes,
    currentPresent: undefined,
    consistency: undefined,
    responses: undefined,
    ttlMs: undefined,
    id: undefined,
    deletedKeys: undefined,
    lease: undefined,
  };
  while (reader.next()) readField(reader, raw);
  return raw;
}

function readField(reader: ProtobufReader, raw: RawResponse): void {
  if (reader.field === 1) raw.code = reader.uint();
  else if (reader.field === 2) {
    raw.result = 'write';
    raw.succeeded = decodeSucceeded(reader.bytes());
  } else if (reader.field === 3) {
    raw.result = 'read';
    raw.results = decodeReadResults(reader.bytes());
  } else if (reader.field === 4) raw.metadata = decodeErrorMetadata(reader.bytes());
  else if (reader.field === 100) raw.revision = reader.uint();
  else if (reader.field === 101) raw.deleted = reader.bool();
  else if (reader.field === 102) raw.current = reader.bytes();
  else if (reader.field === 103) raw.currentPresent = reader.bool();
  else if (reader.field === 104) raw.consistency = readConsistencyCodec.find(reader.int32());
  else if (reader.field === 105) raw.responses = decodeTransactionResponses(reader.bytes());
  else if (reader.field === 106) raw.ttlMs = reader.uint();
  else if (reader.field === 107) raw.id = reader.uint();
  else if (reader.field === 108) raw.deletedKeys = reader.uint();
  else if (reader.field === 109) raw.lease = decodeLeaseState(reader.bytes());
  else reader.skip();
}

function decodeSucceeded(bytes: Uint8Array): boolean {
  const reader = new ProtobufReader(bytes);
  let succeeded = false;
  while (reader.next()) {
    if (reader.field === 1) succeeded = reader.bool();
    else reader.skip();
  }
  return succeeded;
}

function decodeReadResults(bytes: Uint8Array): FoundKey[] {
  const reader = new ProtobufReader(bytes);
  const results: FoundKey[] = [];
  while (reader.next()) {
    if (reader.field === 1) results.push(decodeFoundKey(reader.bytes()));
    else reader.skip();
  }
  return results;
}
