import type { Socket } from 'node:net';
import type { TlsIdentity } from './tls-identity.ts';

/** What a network of real streams may be told; tests make the limits small. */
export interface ByteNetworkOptions {
  /** Silence after which the system asks the other side for a sign of life; 0: it never does. */
  readonly tcpKeepAliveMs?: number;
  /** Connections that the system holds while this process is busy. */
  readonly backlog?: number;
  /** Bytes of one stream that wait for the system before `write` calls the receiver behind. */
  readonly sendBufferBytes?: number;
  /** From the first packet to the end of the TLS handshake. */
  readonly connectTimeoutMs?: number;
  /** How long an accepted connection may take for its TLS handshake and its first bytes. */
  readonly sniffTimeoutMs?: number;
  /** Connections that a listener has open; more are closed at once. */
  readonly connectionsMax?: number;
}

export type ByteNetworkSettings = Required<ByteNetworkOptions>;

export function byteNetworkSettings(options: ByteNetworkOptions): ByteNetworkSettings {
  return {
    tcpKeepAliveMs: 60_000,
    // Node's own; the system caps it (net.core.somaxconn).
    backlog: 511,
    sendBufferBytes: 65_536,
    connectTimeoutMs: 5_000,
    sniffTimeoutMs: 5_000,
    // More than the 10,000 idle ones that the wire is to bear; each takes a file descriptor.
    connectionsMax: 16_384,
    ...options,
  };
}

export type ClientAuthentication =
  /** No certificate is asked for. */
  | 'none'
  /** A certificate of an authority that is trusted here is needed (mTLS). */
  | 'required';

export interface TlsListenOptions {
  readonly identity: TlsIdentity;
  readonly clientAuth: ClientAuthentication;
}

export interface TlsConnectOptions {
  /** Who is trusted, and the certificate that is shown to a server that asks for one. */
  readonly identity: Pick<TlsIdentity, 'context'>;
  /** The name that the server's certificate must bear. Default: the host that is dialled. */
  readonly serverName?: string;
}

export interface ByteListenOptions {
  readonly tls?: TlsListenOptions;
  /**
   * Takes a connection that speaks HTTP/1.1, or no protocol at all; its bytes are still to be
   * read. With this hook one port serves both protocols, told apart by ALPN or, without it, by
   * the first bytes; else every connection is a stream of bytes.
   */
  readonly http1?: (socket: Socket) => void;
  /** A connection could not be accepted, or its handshake failed. Others go on. */
  readonly onAcceptError?: (error: Error) => void;
}

export interface ByteConnectOptions {
  readonly tls?: TlsConnectOptions;
}
