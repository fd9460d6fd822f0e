import type { ServerResponse } from 'node:http';
import type { JsonObject } from './json-body.ts';

/** A request as handlers see it: checked, and its body parsed on demand. */
export interface RouteRequest {
  readonly parameters: ReadonlyMap<string, string>;
  /** The host by which the caller reached this node. */
  readonly callerHost: string;
  /** Fires when the caller has gone away. */
  readonly signal: AbortSignal;
  /** A header of the request; one that came twice is joined by commas. */
  header(name: string): string | undefined;
  readBody(): Promise<JsonObject>;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on for as long as caller and server like. */
export interface StreamedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The head is written; what follows, and the end, is up to whoever was called. */
  start(response: ServerResponse): void;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Names of the query parameters; any other is refused. */
  readonly parameters: readonly string[] | 'any';
  /** Whether an error of unknown outcome may have changed something. */
  readonly writes: boolean;
  /** Changes the cluster: for callers on this machine only. */
  readonly admin?: boolean;
  handle(request: RouteRequest): Promise<Answer> | Answer | StreamedAnswer;
}

export function jsonAnswer(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    contentType: 'application/json; charset=utf-8',
    body: `${JSON.stringify(body)}\n`,
    headers,
  };
}
