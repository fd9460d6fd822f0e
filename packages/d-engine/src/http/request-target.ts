import type { IncomingMessage } from 'node:http';
import { DEngineError } from '@d-engine/base';
import { hostOf, plainIp } from './address.ts';

export interface RequestTarget {
  readonly path: string;
  readonly query: string;
  /** The Host header or what stands for it; undefined only from HTTP/1.0. */
  readonly hostHeader: string | undefined;
}

/** Where a request goes to. Throws `InvalidRequest` for what RFC 9112, section 3.2 does. */
export function requestTarget(request: IncomingMessage): RequestTarget {
  const hosts = request.headersDistinct['host'] ?? [];
  if (hosts.length > 1) throw new DEngineError('InvalidRequest', 'more than one Host header');
  if (hosts.length === 0 && request.httpVersion !== '1.0') {
    throw new DEngineError('InvalidRequest', 'the Host header is missing');
  }
  const url = request.url ?? '/';
  // Proxies may send the whole URL; its host then counts instead of the header.
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  const target = absolute?.[2] ?? url;
  const question = target.indexOf('?');
  return {
    path: (question < 0 ? target : target.slice(0, question)) || '/',
    query: question < 0 ? '' : target.slice(question + 1),
    hostHeader: absolute?.[1] ?? hosts[0],
  };
}

/** The host by which the caller reached this node. */
export function callerHostOf(request: IncomingMessage): string {
  const named = hostOf(request.headers.host ?? '');
  return named ?? plainIp(request.socket.localAddress ?? 'localhost');
}
