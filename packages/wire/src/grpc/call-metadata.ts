import type { Metadata } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';
import { fieldBytes, type HeaderList } from '../hpack/header-list.ts';
import { canonicalBinary, isBinaryKey } from './binary-metadata.ts';

/**
 * Headers of HTTP/2 and of gRPC itself; all others are the callers' metadata, and so are the
 * details of a status for whoever gets them.
 */
const reserved: ReadonlySet<string> = new Set([
  'te',
  'content-type',
  'content-length',
  'user-agent',
  'date',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'grpc-status',
  'grpc-message',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
]);

export const noMetadata: Metadata = Object.freeze({});

/** The value of a header; the first one, should there be more. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] === name) return headers[at + 1];
  }
  return undefined;
}

/**
 * The metadata among some headers or trailers, over what other ones gave. Values of a key that
 * comes again are joined by commas. Bytes that are no base64 are left out: see
 * {@link binaryProblem}.
 */
export function metadataOf(headers: HeaderList, before: Metadata = noMetadata): Metadata {
  let found: Record<string, string> | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name.startsWith(':') || reserved.has(name)) continue;
    const isBinary = isBinaryKey(name);
    const text = headers[at + 1] as string;
    const value = isBinary ? canonicalBinary(text) : text;
    if (value === undefined) continue;
    found ??= {};
    const isNew = !Object.hasOwn(found, name);
    setOwn(found, name, isNew ? value : `${found[name]}${isBinary ? ',' : ', '}${value}`);
  }
  return found === undefined ? before : { ...before, ...found };
}

/** What is wrong with the binary metadata that somebody sent; undefined when nothing is. */
export function binaryProblem(headers: HeaderList): string | undefined {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (!isBinaryKey(name) || canonicalBinary(headers[at + 1] as string) !== undefined) continue;
    return `the metadata value of '${name}' is no base64`;
  }
  return undefined;
}

/** A peer may name a header `__proto__`: it is a key like all others. */
function setOwn(target: Record<string, string>, name: string, value: string): void {
  if (name !== '__proto__') target[name] = value;
  else {
    const own = { value, enumerable: true, writable: true, configurable: true };
    Object.defineProperty(target, name, own);
  }
}

/** Header fields for metadata, behind others. */
export function withMetadata(headers: HeaderList, metadata: Metadata | undefined): HeaderList {
  if (metadata === undefined) return headers;
  const list = [...headers];
  for (const name in metadata) list.push(name, metadata[name] as string);
  return list;
}

/**
 * What is wrong with metadata that somebody wants to send; undefined when nothing is. Headers of
 * the transport cannot be set through it.
 */
export function metadataProblem(metadata: Metadata): string | undefined {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!isMetadataKey(name)) return `'${name}' is no metadata key`;
    if (isBinaryKey(name) && canonicalBinary(value) === undefined) {
      return `the metadata value of '${name}' is no base64`;
    }
    if (!/^[\x20-\x7e]*$/.test(value)) return `the metadata value of '${name}' is not ASCII`;
    if (value !== value.trim()) return `the metadata value of '${name}' has blanks at an end`;
    bytes += fieldBytes(name, value);
  }
  return bytes > limits.metadataBytesMax ? tooMuch(bytes) : undefined;
}

/** Names that begin with `grpc-` belong to the protocol. */
function isMetadataKey(name: string): boolean {
  return /^(?!grpc-)[0-9a-z_.-]+$/.test(name) && !reserved.has(name);
}

export function assertMetadata(metadata: Metadata | undefined): void {
  if (metadata === undefined) return;
  const problem = metadataProblem(metadata);
  assert(problem === undefined, () => problem ?? '');
}

/** The same for headers that came in. */
export function headerBytesProblem(headers: HeaderList): string | undefined {
  let bytes = 0;
  for (let at = 0; at < headers.length; at += 2) {
    bytes += fieldBytes(headers[at] as string, headers[at + 1] as string);
  }
  return bytes > limits.metadataBytesMax ? tooMuch(bytes) : undefined;
}

function tooMuch(bytes: number): string {
  return `${bytes} bytes of metadata are over the limit of ${limits.metadataBytesMax}`;
}
