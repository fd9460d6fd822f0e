import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { EmbeddedEngine } from 'd-engine';
import { DEngineError } from 'd-engine';

const bodyBytesMax = 1_000_000;

/** The business side: `POST /kv` with `{ "key", "value" }`, and `GET /kv/KEY`. */
export function keyValueService(engine: EmbeddedEngine): RequestListener {
  return (request, response) => {
    handle(engine, request, response).catch((error: unknown) => {
      const isRefusal = error instanceof DEngineError && error.retryable;
      const name = error instanceof DEngineError ? error.name : 'internal';
      const hint = engine.leaderInfo?.address ?? null;
      answer(response, isRefusal ? 503 : 500, { error: name, hint });
    });
  };
}

async function handle(
  engine: EmbeddedEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const store = engine.client();
  if (request.method === 'POST' && pathname === '/kv') {
    const pair = await readPair(request);
    if (pair === undefined) return answer(response, 400, { error: 'key and value are texts' });
    await store.put(pair.key, pair.value);
    return answer(response, 200, {});
  }
  const key = /^\/kv\/(.+)$/.exec(pathname)?.[1];
  if (request.method !== 'GET' || key === undefined) {
    return answer(response, 404, { error: 'no such route' });
  }
  // This node's own state: fast on every node, and a moment old on some.
  const entry = await store.get(decodeURIComponent(key), { consistency: 'eventual' });
  answer(response, 200, { value: entry && Buffer.from(entry.value).toString() });
}

/** For the load balancer: `/primary` is 200 on the leader alone, `/replica` on the others. */
export function healthService(engine: EmbeddedEngine): RequestListener {
  return (request, response) => {
    const isReady = !engine.isStopped && engine.leaderInfo !== undefined;
    const fits =
      (request.url === '/primary' && engine.isLeader) ||
      (request.url === '/replica' && !engine.isLeader);
    answer(response, isReady && fits ? 200 : 503, { node: engine.nodeId, leader: engine.isLeader });
  };
}

async function readPair(
  request: IncomingMessage,
): Promise<{ key: string; value: string } | undefined> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > bodyBytesMax) return undefined;
  }
  try {
    const { key, value } = JSON.parse(body) as { key: unknown; value: unknown };
    return typeof key === 'string' && typeof value === 'string' ? { key, value } : undefined;
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
