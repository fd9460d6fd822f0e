import type { TLSSocket } from 'node:tls';
import type { CallerCertificate } from '@d-engine/base';
import { bearsHost, subjectOf } from './tls-files.ts';

/** Of a socket whose certificate was asked for and is trusted. */
export function callerCertificate(socket: TLSSocket): CallerCertificate | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return undefined;
  return {
    subject: subjectOf(certificate),
    bears: (host) => bearsHost(certificate, host),
  };
}
