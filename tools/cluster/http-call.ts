import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** All PEM. */
export interface HttpTls {
  readonly ca: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * One HTTP request on a connection of its own. Any header may be set, also those that `fetch`
 * keeps to itself (Host, Origin, Sec-Fetch-Site).
 */
export function httpCall(
  address: string,
  method: string,
  path: string,
  options: {
    readonly body?: string | Uint8Array | undefined;
    readonly headers?: Readonly<Record<string, string>> | undefined;
    readonly timeoutMs?: number | undefined;
    readonly tls?: HttpTls | undefined;
  } = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { tls } = options;
    const call = (tls === undefined ? request : requestTls)(
      `${tls === undefined ? 'http' : 'https'}://${address}${path}`,
      {
        ...tls,
        method,
        headers: options.headers,
        agent: false,
        signal: AbortSignal.timeout(options.timeoutMs ?? 15_000),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    call.once('error', reject);
    call.end(options.body);
  });
}
