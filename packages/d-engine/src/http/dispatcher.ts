import type { IncomingMessage, ServerResponse } from 'node:http';
import { DEngineError, type LeaderHint, type Logger } from '@d-engine/base';
import { isLoopback } from './address.ts';
import { errorAnswer } from './error-answer.ts';
import { refuseUnknown } from './fields.ts';
import { type HostRule, refuseCrossSite } from './host-rule.ts';
import type { HttpLimits } from './http-limits.ts';
import type { HttpSeries } from './http-series.ts';
import { parseJsonObject } from './json-body.ts';
import { parseQuery } from './query.ts';
import {
  awaitsContinue,
  type BodyReader,
  type ByteBudget,
  CallerGone,
  createBodyReader,
} from './request-body.ts';
import { callerHostOf, type RequestTarget, requestTarget } from './request-target.ts';
import type { Answer, Route, StreamedAnswer } from './route.ts';
import { sendAnswer, startAnswer } from './send-answer.ts';

export interface DispatcherOptions {
  readonly routes: readonly Route[];
  /** Undefined: any Host is served. */
  readonly hostRule: HostRule | undefined;
  readonly bodyBytesMax: number;
  readonly bodyBudget: ByteBudget;
  readonly limits: HttpLimits;
  readonly logger: Logger;
  readonly series: HttpSeries;
  leaderHint(callerHost: string): LeaderHint | undefined;
  /** True once the server is closing: answers then end their connections. */
  closing(): boolean;
}

/** Takes each request through its checks to its route, and answers it. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  #inFlight = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Never throws and never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { limits, bodyBudget, bodyBytesMax, series, logger } = this.#options;
    const body = createBodyReader(request, bodyBytesMax, bodyBudget);
    const startedMs = performance.now();
    const found: { route?: Route } = {};
    this.#inFlight += 1;
    try {
      const answer = await this.#answer(request, response, body, found);
      if (answer === undefined) return;
      if ('start' in answer) startAnswer(request, response, answer);
      else sendAnswer(request, response, answer, { ...limits, close: this.#options.closing() });
      series.observe(found.route, answer.status, performance.now() - startedMs);
    } catch (error) {
      // Only sending can have failed: nothing can be said to the caller any more.
      logger.error('sending an HTTP answer failed', { error: String(error) });
      response.destroy();
    } finally {
      this.#inFlight -= 1;
      body.release();
    }
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    body: BodyReader,
    found: { route?: Route },
  ): Promise<Answer | StreamedAnswer | undefined> {
    const headers: Record<string, string> = {};
    try {
      const target = requestTarget(request);
      this.#refuseForeign(request, target);
      this.#refuseOverload();
      found.route = this.#route(request, target, headers);
      return await this.#handle(found.route, request, response, target, body);
    } catch (error) {
      // A caller that hung up cancels its request; what that makes of it is of no interest.
      if (error instanceof CallerGone || response.destroyed) return undefined;
      this.#log(request, error);
      const callerHost = callerHostOf(request);
      return errorAnswer(error, {
        writes: found.route?.writes ?? false,
        callerHost,
        leaderHint: () => this.#options.leaderHint(callerHost),
        headers,
      });
    }
  }

  #refuseForeign(request: IncomingMessage, target: RequestTarget): void {
    const { hostHeader } = target;
    // Who sends no Host (probes in HTTP/1.0) is no browser, and the rules are against browsers.
    if (hostHeader !== undefined) this.#options.hostRule?.(hostHeader);
    const fetchSite = request.headersDistinct['sec-fetch-site']?.join(',');
    refuseCrossSite(request.headers.origin, fetchSite, hostHeader);
  }

  #refuseOverload(): void {
    const { requestsInFlightMax } = this.#options.limits;
    if (this.#inFlight <= requestsInFlightMax) return;
    throw new DEngineError(
      'RateLimited',
      `${requestsInFlightMax} requests wait for answers already: retry after the pause`,
    );
  }

  /** The route of the request. `headers` gets what a refusal has to say beside its body. */
  #route(request: IncomingMessage, target: RequestTarget, headers: Record<string, string>): Route {
    const { routes } = this.#options;
    const route = routes.find(({ path }) => path === target.path);
    if (route === undefined) {
      const known = routes.map(({ method, path }) => `${method} ${path}`).join(', ');
      throw new DEngineError('NotFound', `no such route; there are: ${known}`);
    }
    const allowed = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
    if (allowed.includes(request.method ?? '')) return route;
    headers['allow'] = allowed.join(', ');
    throw new DEngineError(
      'MethodNotAllowed',
      `${request.method} ${route.path} is not possible: use ${route.method}`,
    );
  }

  async #handle(
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
    target: RequestTarget,
    body: BodyReader,
  ): Promise<Answer | StreamedAnswer> {
    if (route.admin === true) refuseRemoteAdmin(request);
    if (route.writes && route.admin === true) refuseIdempotencyKey(request);
    const parameters = parseQuery(target.query);
    if (route.parameters !== 'any') {
      const place = `${route.method} ${route.path}`;
      refuseUnknown('parameter', parameters.keys(), route.parameters, place);
    }
    const aborted = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) aborted.abort();
    });
    return route.handle({
      parameters,
      callerHost: callerHostOf(request),
      signal: aborted.signal,
      header: (name) => request.headersDistinct[name]?.join(','),
      async readBody() {
        const bytes = await body.read(() => {
          if (awaitsContinue(request)) response.writeContinue();
        });
        return parseJsonObject(bytes);
      },
    });
  }

  #log(request: IncomingMessage, error: unknown): void {
    const { logger } = this.#options;
    const seen = { method: request.method, url: request.url };
    if (!(error instanceof DEngineError)) {
      const stack = error instanceof Error ? error.stack : String(error);
      logger.error('an HTTP request met a defect', { ...seen, error: stack });
    } else if (logger.enabled('debug')) {
      logger.debug('an HTTP request failed', { ...seen, error: error.name });
    }
  }
}

function refuseRemoteAdmin(request: IncomingMessage): void {
  if (isLoopback(request.socket.remoteAddress)) return;
  throw new DEngineError(
    'Forbidden',
    'changes of the cluster are taken from this machine only: call it on 127.0.0.1',
  );
}

/** Ignored, it would promise that a repeated write applies once. */
function refuseIdempotencyKey(request: IncomingMessage): void {
  if (request.headersDistinct['idempotency-key'] === undefined) return;
  throw new DEngineError(
    'Unsupported',
    'Idempotency-Key is for writes to keys, and this changes the cluster: leave it out; nothing ' +
      'was changed',
  );
}
