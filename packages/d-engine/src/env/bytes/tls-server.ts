import {
  checkServerIdentity,
  createServer,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { assert } from '@d-engine/base';
import type { TlsListenOptions } from './byte-options.ts';
import { describeSocketError, lossError } from './socket-errors.ts';

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
  const { identity, clientAuth, clientNames } = tls;
  assert(identity.hasCertificate, 'a server needs a certificate');
  const needsClients = clientAuth === 'required';
  assert(!needsClients || identity.hasAuthorities, 'who vouches for clients must be known');
  assert(needsClients || clientNames === undefined, 'only clients with a certificate have names');
  const options: TlsOptions = {
    ...identity.contextOptions,
    requestCert: needsClients,
    rejectUnauthorized: needsClients,
    allowHalfOpen: true,
    ALPNProtocols: hooks.alpnProtocols,
    handshakeTimeout: hooks.handshakeTimeoutMs,
  };
  const server = createServer(options, (socket) => {
    // 'close' follows, and whoever has the stream hears of it there.
    socket.on('error', () => undefined);
    const problem = clientNames === undefined ? undefined : nameProblem(socket, clientNames);
    if (problem === undefined) {
      hooks.onSecured(socket);
      return;
    }
    hooks.onRefused(lossError(problem));
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => {
    // Node leaves one open that is merely late.
    socket.destroy();
    hooks.onRefused(lossError(`TLS handshake: ${describeSocketError(error)}`, error));
  });
  const renew = (): void => server.setSecureContext(identity.contextOptions);
  return { server, forgetReloads: identity.onReload(renew) };
}

function nameProblem(socket: TLSSocket, names: readonly string[]): string | undefined {
  const certificate = socket.getPeerCertificate();
  if (names.some((name) => checkServerIdentity(name, certificate) === undefined)) return undefined;
  const borne = certificate.subjectaltname ?? [certificate.subject?.CN ?? 'nobody'].flat().join();
  return `the client's certificate is for ${borne}, none of ${names.join(', ')}`;
}
