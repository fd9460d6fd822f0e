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

/**
 * A time to tell another process, in a handful of different values, so that the headers which
 * carry it repeat: two digits, or two and a half below 20. Rounded down, by less than 5%: an answer
 * to somebody who has just given up is work for nothing.
 */
export function roundTimeoutMs(ms: number): number {
  const whole = Math.max(1, Math.floor(ms));
  if (whole < 100) return whole;
  const scale = 10 ** (Math.floor(Math.log10(whole)) - 1);
  const step = whole < 20 * scale ? scale / 2 : scale;
  return Math.floor(whole / step) * step;
}

/** How messages of this side may be packed, and which packed ones it takes. */
export const acceptedEncodings = 'identity,gzip';

/** Of a `grpc-accept-encoding` header. */
export function acceptsGzip(value: string | undefined): boolean {
  return value?.split(',').some((name) => name.trim() === 'gzip') ?? false;
}

/** A message must not crowd the other trailers out of the header limit. */
const messageCharsMax = 1_024;

/** Space to tilde but for the percent sign stay; everything else is UTF-8 in hex. */
export function encodeGrpcMessage(message: string): string {
  const text = message.slice(0, messageCharsMax);
  if (/^(?! )[\x20-\x24\x26-\x7e]*(?<! )$/.test(text)) return text;
  const bytes = Buffer.from(text, 'utf8');
  let encoded = '';
  for (const [at, byte] of bytes.entries()) {
    // A blank at either end is none of a header's value (RFC 9113, section 8.2.1).
    const isEdge = at === 0 || at === bytes.length - 1;
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25 && !(isEdge && byte === 0x20);
    encoded += isPlain ? String.fromCharCode(byte) : `%${hexByte(byte)}`;
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

/** `application/grpc`, also with parameters and with `+proto`; JSON or grpc-web it is not. */
export function isGrpcContentType(value: string | undefined): boolean {
  return value !== undefined && /^application\/grpc(\+proto)?\s*(;|$)/i.test(value);
}
