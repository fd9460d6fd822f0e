import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import type { TlsConnectOptions } from './byte-options.ts';
import { dialHost, type SocketAddress } from './socket-address.ts';

/** Starts to connect; the socket tells by `connect`. */
export function dialTcp(target: SocketAddress, onread: OnReadOpts | undefined): Socket {
  return connectTcp({
    host: dialHost(target.host),
    port: target.port,
    allowHalfOpen: true,
    ...(onread === undefined ? {} : { onread }),
  });
}

/** As above, over TLS; it is open at `secureConnect`, when `onSecured` is called. */
export function dialTls(
  target: SocketAddress,
  tls: TlsConnectOptions,
  onSecured: (alpnProtocol: string | false | null) => void,
): Socket {
  const host = dialHost(target.host);
  const name = tls.serverName ?? host;
  const options = {
    host,
    port: target.port,
    secureContext: tls.identity.context,
    ALPNProtocols: ['h2'],
    allowHalfOpen: true,
    checkServerIdentity: (_host: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(name, certificate),
    // An IP address is no server name (RFC 6066, section 3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
  };
  const socket = connectTls(options);
  socket.once('secureConnect', () => onSecured(socket.alpnProtocol));
  return socket;
}
