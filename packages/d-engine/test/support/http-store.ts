import type { KeyValue, ReadOptions } from 'd-engine/client';
import type { HttpAnswer } from '../../../../tools/cluster/http-call.ts';
import { httpCall } from '../../../../tools/cluster/http-call.ts';

/** Bodies of the HTTP/JSON API, as far as tests look at them. */
export interface FoundBody {
  readonly key: string;
  readonly value: string | null;
  readonly mod_revision: number | null;
  readonly version: number | null;
  readonly revision: number;
  readonly consistency: string;
}

export interface ErrorBody {
  readonly error: {
    readonly code: number;
    readonly name: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly may_have_been_applied: boolean;
    readonly retry_after_ms: number | null;
    readonly leader: { readonly id: number; readonly address: string } | null;
  };
}

/** A body as what the caller expects; the assertions on its fields hold it to that. */
export function bodyOf<T>(answer: HttpAnswer): T {
  return JSON.parse(answer.text) as T;
}

export function errorOf(answer: HttpAnswer): ErrorBody['error'] {
  return bodyOf<ErrorBody>(answer).error;
}

/** `POST /put`, `/delete` or `/cas`. */
export function post(address: string, path: string, body: object): Promise<HttpAnswer> {
  return httpCall(address, 'POST', path, { body: JSON.stringify(body) });
}

export function read(address: string, key: string, consistency?: string): Promise<HttpAnswer> {
  const query = consistency === undefined ? '' : `&consistency=${consistency}`;
  return httpCall(address, 'GET', `/get?key=${encodeURIComponent(key)}${query}`);
}

/** Reads through the HTTP port of one member; fails on anything but an answer. */
export class HttpReader {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  async get(key: Uint8Array | string, options: ReadOptions = {}): Promise<KeyValue | null> {
    const name = Buffer.from(key).toString();
    const answer = await read(this.#address, name, options.consistency);
    if (answer.status !== 200) throw new Error(`GET ${name}: ${answer.status} ${answer.text}`);
    const { value, mod_revision: modRevision, version } = bodyOf<FoundBody>(answer);
    if (value === null) return null;
    return {
      key: Buffer.from(name),
      value: Buffer.from(value),
      createRevision: 0,
      modRevision: modRevision ?? 0,
      version: version ?? 0,
    };
  }
}
