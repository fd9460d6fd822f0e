import type { HeaderList } from '../hpack/header-list.ts';

/** What the headers of a request say (RFC 9113, section 8.3.1). */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly authority: string | undefined;
  /** Of `content-length`; -1 when there is none. */
  readonly contentBytes: number;
  /** All fields, pseudo header fields included. */
  readonly headers: HeaderList;
}

/** What the headers of an answer say (section 8.3.2). */
export interface ResponseHead {
  readonly status: number;
  readonly contentBytes: number;
}

/** Fields of HTTP/1.1 that are about one connection: not allowed in HTTP/2 (section 8.2.2). */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const maxContentDigits = 15;

/** Undefined: the request is malformed (section 8.1.1). */
export function readRequest(headers: HeaderList): RequestHead | undefined {
  let method: string | undefined;
  let scheme: string | undefined;
  let path: string | undefined;
  let authority: string | undefined;
  let contentBytes = -1;
  let at = 0;
  for (; at < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (name.charCodeAt(0) !== colon) break;
    if (name === ':method' && method === undefined) method = value;
    else if (name === ':scheme' && scheme === undefined) scheme = value;
    else if (name === ':path' && path === undefined) path = value;
    else if (name === ':authority' && authority === undefined) authority = value;
    else return undefined;
    if (!isValidValue(value)) return undefined;
  }
  for (; at < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (!isValidField(name, value)) return undefined;
    if (name === 'te' && value !== 'trailers') return undefined;
    if (name === 'content-length') {
      const bytes = parseContentLength(value);
      if (bytes === undefined || (contentBytes !== -1 && contentBytes !== bytes)) return undefined;
      contentBytes = bytes;
    }
  }
  if (method === undefined || method === '') return undefined;
  if (method === 'CONNECT') {
    if (scheme !== undefined || path !== undefined || authority === undefined) return undefined;
    return { method, path: '', authority, contentBytes, headers };
  }
  if (scheme === undefined || path === undefined || path === '') return undefined;
  return { method, path, authority, contentBytes, headers };
}

/** Undefined: the answer is malformed. An interim one has a status below 200. */
export function readResponse(headers: HeaderList): ResponseHead | undefined {
  if (headers[0] !== ':status') return undefined;
  const text = headers[1] as string;
  const status = Number(text);
  if (text.length !== 3 || !(status >= 100 && status <= 999)) return undefined;
  let contentBytes = -1;
  for (let at = 2; at < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (!isValidField(name, value)) return undefined;
    if (name === 'content-length') contentBytes = parseContentLength(value) ?? -1;
  }
  return { status, contentBytes };
}

/** Whether fields may stand behind the content (section 8.1): no pseudo header fields may. */
export function areValidTrailers(headers: HeaderList): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    if (!isValidField(headers[at] as string, headers[at + 1] as string)) return false;
  }
  return true;
}

function isValidField(name: string, value: string): boolean {
  return isValidName(name) && isValidValue(value) && !connectionFields.has(name);
}

const colon = 0x3a;

/** Visible ASCII without capitals and without a colon (section 8.2.1). */
function isValidName(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const character = name.charCodeAt(at);
    if (character <= 0x20 || character >= 0x7f || character === colon) return false;
    if (character >= 0x41 && character <= 0x5a) return false;
  }
  return name.length > 0;
}

/** No NUL, CR or LF, no blank at either end (section 8.2.1). */
function isValidValue(value: string): boolean {
  const last = value.length - 1;
  if (last < 0) return true;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(last))) return false;
  for (let at = 0; at <= last; at++) {
    const character = value.charCodeAt(at);
    if (character === 0 || character === 0x0a || character === 0x0d) return false;
  }
  return true;
}

function isBlank(character: number): boolean {
  return character === 0x20 || character === 0x09;
}

function parseContentLength(value: string): number | undefined {
  return value.length <= maxContentDigits && /^\d+$/.test(value) ? Number(value) : undefined;
}
