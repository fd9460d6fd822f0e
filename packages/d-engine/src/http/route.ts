import type { JsonObject } from './json-body.ts';

/** A request as handlers see it: checked, and its body parsed on demand. */
export interface RouteRequest {
  readonly parameters: ReadonlyMap<string, string>;
  /** The host by which the caller reached this node. */
  readonly callerHost: string;
  /** Fires when the caller has gone away. */
  readonly signal: AbortSignal;
  readBody(): Promise<JsonObject>;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
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
  /** Known from the docs, and answered with 501 in this version. */
  readonly isLater?: boolean;
  handle(request: RouteRequest): Promise<Answer> | Answer;
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
