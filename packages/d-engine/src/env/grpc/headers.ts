import type { IncomingHttpHeaders } from 'node:http2';
import type { Metadata } from '@d-engine/base';
import { limits } from '@d-engine/base';

/** Headers of HTTP/2 and of gRPC itself; all others are the callers' metadata. */
const reserved: ReadonlySet<string> = new Set([
  'te',
  'content-type',
  'content-length',
  'user-agent',
  'date',
  'host',
  'grpc-status',
  'grpc-message',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
  'grpc-status-details-bin',
]);

const noMetadata: Metadata = Object.freeze({});

/** The metadata among some headers or trailers, added to what other ones gave. */
export function metadataOf(headers: IncomingHttpHeaders, before: Metadata = noMetadata): Metadata {
  let found: Record<string, string> | undefined;
  for (const name in headers) {
    if (name.startsWith(':') || reserved.has(name)) continue;
    const value = headers[name];
    if (value === undefined) continue;
    found ??= { ...before };
    found[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return found ?? before;
}

/**
 * What is wrong with metadata that somebody wants to send; undefined when nothing is. Headers of
 * the transport cannot be set through it.
 */
export function metadataProblem(metadata: Metadata): string | undefined {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[0-9a-z_.-]+$/.test(name) || reserved.has(name)) return `'${name}' is no metadata key`;
    if (!/^[\x20-\x7e]*$/.test(value)) return `the metadata value of '${name}' is not ASCII`;
    bytes += name.length + value.length + headerOverheadBytes;
  }
  return bytes > limits.metadataBytesMax ? tooMuch(bytes) : undefined;
}

/** What HTTP/2 counts for a header beside its name and value (RFC 9113, section 6.5.2). */
const headerOverheadBytes = 32;

/** The same for headers that came in. */
export function headerBytesProblem(headers: IncomingHttpHeaders): string | undefined {
  let bytes = 0;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    const length = typeof value === 'string' ? value.length : value.join(', ').length;
    bytes += name.length + length + headerOverheadBytes;
  }
  return bytes > limits.metadataBytesMax ? tooMuch(bytes) : undefined;
}

function tooMuch(bytes: number): string {
  return `${bytes} bytes of metadata are over the limit of ${limits.metadataBytesMax}`;
}
