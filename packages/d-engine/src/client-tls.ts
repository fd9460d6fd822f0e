import type { Buffer } from 'node:buffer';
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { DEngineError, describeError } from '@d-engine/base';
import type { NetworkTls } from './env/index.ts';

/** Encryption of a client's connections. Certificates and keys are PEM text, not paths. */
export interface ClientTls {
  /** Who vouches for the members; the authorities of the public web when absent. */
  readonly ca?: string | Buffer | undefined;
  /** What the client shows to members that ask for it (mTLS), and its private key. */
  readonly certificate?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name that each member's certificate must bear, instead of the host that is dialled. */
  readonly serverName?: string | undefined;
}

/** Throws `TlsFailed` for what cannot be used. */
export function clientNetworkTls(tls: ClientTls): NetworkTls {
  const { serverName } = tls;
  const identity = { context: contextOf(tls) };
  return { connect: serverName === undefined ? { identity } : { identity, serverName } };
}

function contextOf({ ca, certificate, key }: ClientTls): SecureContext {
  if ((certificate === undefined) !== (key === undefined)) {
    throw new DEngineError('TlsFailed', 'tls.certificate and tls.key go together: give both');
  }
  assertCertificate('tls.ca', ca);
  assertCertificate('tls.certificate', certificate);
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { cert: certificate, key }),
    });
  } catch (cause) {
    // Of all, only the key was not looked at yet, or it is another certificate's.
    const message = `tls.key or tls.certificate cannot be used: ${describeError(cause)}`;
    throw new DEngineError('TlsFailed', message, { cause });
  }
}

/** OpenSSL takes a text without any certificate for an empty list. */
function assertCertificate(name: string, pem: string | Buffer | undefined): void {
  if (pem === undefined) return;
  try {
    new X509Certificate(pem);
  } catch (cause) {
    const message = `${name} holds no certificate (PEM): give the text of the file, not its path`;
    throw new DEngineError('TlsFailed', message, { cause });
  }
}
