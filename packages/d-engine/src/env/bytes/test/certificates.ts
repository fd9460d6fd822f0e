import type { KeyPairKeyObjectResult } from 'node:crypto';
import { type MadeCertificate, makeCertificate as make } from '../../../tls/make-certificate.ts';

/** What a test certificate says. */
export interface CertificateWish {
  readonly subject: string;
  readonly names?: readonly string[];
  readonly isAuthority?: boolean;
  /** Default: from a day ago to a day from now. */
  readonly validFromMs?: number;
  readonly validToMs?: number;
}

export type TestCertificate = MadeCertificate;

const dayMs = 86_400_000;

/** Signed by `issuer`, or by itself. Made at run time: a certificate in a file would expire. */
export function makeCertificate(
  wish: CertificateWish,
  issuer?: TestCertificate,
  keys?: KeyPairKeyObjectResult,
): TestCertificate {
  const { subject, names: hosts = [], isAuthority = false } = wish;
  const validFromMs = wish.validFromMs ?? Date.now() - dayMs;
  const validToMs = wish.validToMs ?? Date.now() + dayMs;
  return make({ subject, hosts, isAuthority, validFromMs, validToMs }, issuer, keys);
}
