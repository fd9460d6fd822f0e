import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { assert } from '@d-engine/base';
import type { TlsListenOptions } from './byte-options.ts';
import { describeSocketError, refusalError } from './socket-errors.ts';

export interface TlsServerHooks {
  readonly alpnProtocols: string[];
  readonly handshakeTimeoutMs: number;
  readonly onSecured: (socket: TLSSocket) => void;
  readonly onRefused: (error: Error) => void;
}

/** A server that has not listened yet. It takes new certificates when the identity has them. */
export function createTlsServer(
  tls: TlsListenOptions,
  hooks: TlsServerHooks,
): { readonly server: Server; readonly forgetReloads: () => void } {
  const { identity, clientAuth } = tls;
  assert(identity.hasCertificate, 'a server needs a certificate');
  const needsClients = clientAuth === 'required';
  assert(!needsClients || identity.hasAuthorities, 'who vouches for clients must be known');
  const options: TlsOptions = {
    ...identity.contextOptions,
    requestCert: needsClients,
    // Not ours to judge later: a session that is resumed without a certificate would pass.
    rejectUnauthorized: needsClients,
    allowHalfOpen: true,
    ALPNProtocols: hooks.alpnProtocols,
    handshakeTimeout: hooks.handshakeTimeoutMs,
  };
  const server = createServer(options, (socket) => {
    // 'close' follows, and whoever has the stream hears of it there.
    socket.on('error', () => undefined);
    hooks.onSecured(socket);
  });
  server.on('tlsClientError', (error, socket) => {
    const host = remoteHostOf(socket);
    // Node leaves one open that is merely late.
    socket.destroy();
    hooks.onRefused(refusalError(host, whyRefused(error, socket), error));
  });
  const renew = (): void => server.setSecureContext(identity.contextOptions);
  return { server, forgetReloads: identity.onReload(renew) };
}

/** Node drops a caller whose certificate it does not trust, and says only that it is gone. */
function whyRefused(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  const { authorizationError: code } = socket as { readonly authorizationError?: unknown };
  if (typeof code === 'string')
    return describeSocketError(Object.assign(new Error(code), { code }));
  if (error.code !== 'ECONNRESET') return describeSocketError(error);
  return 'it broke off the TLS handshake; it may not trust the certificate of this side';
}

/** Once it is closed, only the socket below knows. For a line in the log: it may be missing. */
function remoteHostOf(socket: TLSSocket): string | undefined {
  const { _parent: below } = socket as { readonly _parent?: Socket };
  return socket.remoteAddress ?? below?.remoteAddress;
}
