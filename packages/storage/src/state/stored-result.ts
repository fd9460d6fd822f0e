import type { KeyValue, TransactionResponse } from '@d-engine/base';
import {
  errorNameOf,
  errorRegistry,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
} from '@d-engine/base';
import type { CommandResult, RefusalName } from '../command-result.ts';

// What a session keeps of a command's result, in memory and in snapshots. The numbers stand in
// files for ever.

const typeNumbers: Readonly<Record<CommandResult['type'], number>> = {
  put: 1,
  delete: 2,
  compareAndSwap: 3,
  transaction: 4,
  grantLease: 5,
  keepLeaseAlive: 6,
  revokeLease: 7,
  openSession: 8,
  keepSessionAlive: 9,
  closeSession: 10,
  refused: 11,
};
const fields = {
  type: 1,
  revision: 2,
  /** Deleted, or succeeded. */
  isTrue: 3,
  current: 4,
  /** A TTL, or a count of keys. */
  amount: 5,
  /** Of a lease or a session. */
  id: 6,
  error: 7,
  message: 8,
  response: 9,
} as const;
const responseFields = { put: 1, delete: 2, absent: 3, entry: 4 } as const;

export function encodeResult(result: CommandResult): Uint8Array {
  const writer = new ProtobufWriter(32);
  writer.uint(fields.type, typeNumbers[result.type]);
  writer.uint(fields.revision, result.revision);
  switch (result.type) {
    case 'put':
    case 'closeSession':
      break;
    case 'delete':
      writer.bool(fields.isTrue, result.deleted);
      break;
    case 'compareAndSwap':
      writer.bool(fields.isTrue, result.succeeded);
      if (result.current !== null) writer.bytes(fields.current, result.current);
      break;
    case 'transaction':
      writer.bool(fields.isTrue, result.succeeded);
      for (const each of result.responses) writer.bytes(fields.response, encodeResponse(each));
      break;
    case 'grantLease':
      writer.uint(fields.id, result.lease);
      writer.uint(fields.amount, result.ttlMs);
      break;
    case 'keepLeaseAlive':
    case 'keepSessionAlive':
      writer.uint(fields.amount, result.ttlMs);
      break;
    case 'revokeLease':
      writer.uint(fields.amount, result.deletedKeys);
      break;
    case 'openSession':
      writer.uint(fields.id, result.session);
      writer.uint(fields.amount, result.ttlMs);
      break;
    case 'refused':
      writer.uint(fields.error, errorRegistry[result.error].code);
      writer.string(fields.message, result.message);
      break;
  }
  return Uint8Array.from(writer.finish());
}

interface RawResult {
  type: number;
  revision: number;
  isTrue: boolean;
  current: Uint8Array | null;
  amount: number;
  id: number;
  error: number;
  message: string;
  readonly responses: TransactionResponse[];
}

/** Throws MalformedMessage. */
export function decodeResult(bytes: Uint8Array): CommandResult {
  const raw = readFields(bytes);
  const { revision, isTrue, amount, id } = raw;
  const type = (Object.keys(typeNumbers) as CommandResult['type'][]).find(
    (name) => typeNumbers[name] === raw.type,
  );
  switch (type) {
    case 'put':
    case 'closeSession':
      return { type, revision };
    case 'delete':
      return { type, revision, deleted: isTrue };
    case 'compareAndSwap':
      return { type, revision, succeeded: isTrue, current: raw.current };
    case 'transaction':
      return { type, revision, succeeded: isTrue, responses: raw.responses };
    case 'grantLease':
      return { type, revision, lease: id, ttlMs: amount };
    case 'keepLeaseAlive':
    case 'keepSessionAlive':
      return { type, revision, ttlMs: amount };
    case 'revokeLease':
      return { type, revision, deletedKeys: amount };
    case 'openSession':
      return { type, revision, session: id, ttlMs: amount };
    case 'refused':
      return { type, revision, error: refusalNameOf(raw.error), message: raw.message };
    case undefined:
      throw new MalformedMessage(`a stored result of type ${raw.type}`);
  }
}

function readFields(bytes: Uint8Array): RawResult {
  const reader = new ProtobufReader(bytes);
  const raw: RawResult = {
    type: 0,
    revision: 0,
    isTrue: false,
    current: null,
    amount: 0,
    id: 0,
    error: 0,
    message: '',
    responses: [],
  };
  while (reader.next()) {
    if (reader.field === fields.type) raw.type = reader.uint();
    else if (reader.field === fields.revision) raw.revision = reader.uint();
    else if (reader.field === fields.isTrue) raw.isTrue = reader.bool();
    else if (reader.field === fields.current) raw.current = reader.bytes();
    else if (reader.field === fields.amount) raw.amount = reader.uint();
    else if (reader.field === fields.id) raw.id = reader.uint();
    else if (reader.field === fields.error) raw.error = reader.uint();
    else if (reader.field === fields.message) raw.message = reader.string();
    else if (reader.field === fields.response) raw.responses.push(decodeResponse(reader.bytes()));
    else throw new MalformedMessage(`field ${reader.field} of a stored result is not known`);
  }
  return raw;
}

function refusalNameOf(code: number): RefusalName {
  const name = errorNameOf(code);
  switch (name) {
    case 'InvalidRequest':
    case 'LeaseNotFound':
    case 'RateLimited':
    case 'SessionExpired':
      return name;
    default:
      throw new MalformedMessage(`a stored refusal with error ${code}`);
  }
}

function encodeResponse(response: TransactionResponse): Uint8Array {
  const writer = new ProtobufWriter(32);
  if (response.type === 'put') writer.bool(responseFields.put, true);
  else if (response.type === 'delete') writer.bool(responseFields.delete, response.deleted);
  else if (response.entry === null) writer.bool(responseFields.absent, true);
  else writer.bytes(responseFields.entry, encodeEntry(response.entry));
  return writer.finish();
}

function decodeResponse(bytes: Uint8Array): TransactionResponse {
  const reader = new ProtobufReader(bytes);
  let response: TransactionResponse | undefined;
  while (reader.next()) {
    if (reader.field === responseFields.put) {
      reader.skip();
      response = { type: 'put' };
    } else if (reader.field === responseFields.delete) {
      response = { type: 'delete', deleted: reader.bool() };
    } else if (reader.field === responseFields.absent) {
      reader.skip();
      response = { type: 'get', entry: null };
    } else if (reader.field === responseFields.entry) {
      response = { type: 'get', entry: decodeEntry(reader.bytes()) };
    } else throw new MalformedMessage(`a stored response of type ${reader.field}`);
  }
  if (response === undefined) throw new MalformedMessage('an empty stored response');
  return response;
}

function encodeEntry(entry: KeyValue): Uint8Array {
  const writer = new ProtobufWriter(entry.key.length + entry.value.length + 64);
  writer.bytes(1, entry.key);
  writer.bytes(2, entry.value);
  writer.uint(3, entry.createRevision);
  writer.uint(4, entry.modRevision);
  writer.uint(5, entry.version);
  if (entry.ttlLeftMs !== undefined) writer.uint(6, entry.ttlLeftMs);
  if (entry.lease !== undefined) writer.uint(7, entry.lease);
  return writer.finish();
}

function decodeEntry(bytes: Uint8Array): KeyValue {
  const reader = new ProtobufReader(bytes);
  let key: Uint8Array = new Uint8Array(0);
  let value: Uint8Array = new Uint8Array(0);
  const numbers = { createRevision: 0, modRevision: 0, version: 0 };
  let ttlLeftMs: number | undefined;
  let lease: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) numbers.createRevision = reader.uint();
    else if (reader.field === 4) numbers.modRevision = reader.uint();
    else if (reader.field === 5) numbers.version = reader.uint();
    else if (reader.field === 6) ttlLeftMs = reader.uint();
    else if (reader.field === 7) lease = reader.uint();
    else throw new MalformedMessage(`field ${reader.field} of a stored entry is not known`);
  }
  return { key, value, ...numbers, ttlLeftMs, lease };
}
