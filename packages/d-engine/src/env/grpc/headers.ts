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

/** `application/grpc`, also with parameters and with `+proto`; JSON or grpc-web it is not. */
export function isGrpcContentType(value: string | undefined): boolean {
  return value !== undefined && /^application\/grpc(\+proto)?\s*(;|$)/i.test(value);
}

const timeoutUnitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds of a grpc-timeout header; undefined when it is malformed. */
export function parseTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  return match === null ? undefined : Number(match[1]) * (timeoutUnitsMs[match[2] ?? ''] ?? 0);
}

/** At most eight digits are allowed, so long times are told in seconds. */
export function formatTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole < 100_000_000) return `${whole}m`;
  return `${Math.min(99_999_999, Math.ceil(whole / 1000))}S`;
}

/** A message must not crowd the other trailers out of the header limit. */
const messageCharsMax = 1_024;

/** Space to tilde but for the percent sign stay; everything else is UTF-8 in hex. */
export function encodeGrpcMessage(message: string): string {
  const text = message.slice(0, messageCharsMax);
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${hexByte(byte)}`;
  }
  return encoded;
}

function hexByte(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

/** Never fails: what is not valid percent encoding is shown as it came. */
export function decodeGrpcMessage(value: string | undefined): string {
  if (value === undefined) return '';
  if (!value.includes('%')) return value;
  const raw = value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(raw, 'latin1').toString('utf8');
}
