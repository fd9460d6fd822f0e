import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { checkServerIdentity } from 'node:tls';

/** Where a side keeps what it proves itself with, and whom it trusts. All are PEM files. */
export interface TlsPaths {
  /** Its certificate, followed by those of the authorities between it and a root, if any. */
  readonly certificate?: string | undefined;
  readonly privateKey?: string | undefined;
  /** The authorities by which the other side's certificate is checked. */
  readonly authorities?: string | undefined;
  /** Host names and IP addresses, without brackets; the certificate must bear each of them. */
  readonly hosts?: readonly string[];
  /** What the certificate is for, where it says so (extended key usage). */
  readonly uses?: readonly CertificateUse[];
}

export type CertificateUse = 'server' | 'client';

export interface TlsMaterial {
  readonly certificate: string | undefined;
  readonly privateKey: string | undefined;
  readonly authorities: string | undefined;
  /** When the first certificate of the chain expires, and the last of the authorities. */
  readonly certificateEndsAtMs: number | undefined;
  readonly authoritiesEndAtMs: number | undefined;
}

/** A file that TLS cannot use, and why. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
    this.path = path;
    this.reason = reason;
  }
}

/** Reads the files and holds them against one another. Rejects with {@link TlsFileError}. */
export async function readTlsFiles(paths: TlsPaths, nowMs: number): Promise<TlsMaterial> {
  const { certificate, privateKey, authorities } = paths;
  if (certificate !== undefined && privateKey === undefined) {
    throw new TlsFileError(certificate, 'there is no private key to go with this certificate');
  }
  if (certificate === undefined && privateKey !== undefined) {
    throw new TlsFileError(privateKey, 'there is no certificate to go with this private key');
  }
  const [certificatePem, keyPem, authoritiesPem] = await Promise.all([
    readPem(certificate),
    readPem(privateKey),
    readPem(authorities),
  ]);
  let endsAtMs: number | undefined;
  if (certificate !== undefined && certificatePem !== undefined) {
    const chain = parseCertificates(certificate, certificatePem);
    for (const each of chain) assertCurrent(certificate, each, nowMs);
    const own = chain[0] as X509Certificate;
    assertFits(certificate, own, paths);
    endsAtMs = Math.min(...chain.map(endOf));
    if (privateKey !== undefined && keyPem !== undefined) {
      await assertSecret(privateKey);
      assertBelongs(privateKey, parseKey(privateKey, keyPem), certificate, own);
    }
  }
  let authoritiesEndAtMs: number | undefined;
  if (authorities !== undefined && authoritiesPem !== undefined) {
    const trusted = parseCertificates(authorities, authoritiesPem);
    assertSomeCurrent(authorities, trusted, nowMs);
    authoritiesEndAtMs = Math.max(...trusted.map(endOf));
  }
  return {
    certificate: certificatePem,
    privateKey: keyPem,
    authorities: authoritiesPem,
    certificateEndsAtMs: endsAtMs,
    authoritiesEndAtMs,
  };
}

async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new TlsFileError(path, unreadable(error as NodeJS.ErrnoException), { cause: error });
  }
}

function unreadable(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file';
  if (error.code === 'EACCES') return 'this user may not read the file (EACCES)';
  return `the file cannot be read (${error.code ?? error.message})`;
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function parseCertificates(path: string, pem: string): X509Certificate[] {
  const blocks = pem.match(certificatePattern) ?? [];
  if (blocks.length === 0) throw new TlsFileError(path, 'the file holds no certificate (PEM)');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const reason = `certificate ${index + 1} of the file is damaged`;
      throw new TlsFileError(path, reason, { cause: error });
    }
  });
}

function assertCurrent(path: string, certificate: X509Certificate, nowMs: number): void {
  const problem = timeProblem(certificate, nowMs);
  if (problem !== undefined) throw new TlsFileError(path, problem);
}

/** Old authorities may stay in the file beside those that replace them. */
function assertSomeCurrent(
  path: string,
  certificates: readonly X509Certificate[],
  nowMs: number,
): void {
  const problems = certificates.map((each) => timeProblem(each, nowMs));
  const [first] = problems;
  if (first === undefined || problems.includes(undefined)) return;
  throw new TlsFileError(path, first);
}

function timeProblem(certificate: X509Certificate, nowMs: number): string | undefined {
  const subject = subjectOf(certificate);
  const { validFrom, validTo } = certificate;
  if (nowMs > endOf(certificate)) return `the certificate of ${subject} expired on ${validTo}`;
  if (nowMs >= Date.parse(validFrom)) return undefined;
  return `the certificate of ${subject} is not valid before ${validFrom}`;
}

function endOf(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

const useIds: Readonly<Record<CertificateUse, string>> = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};
const anyUse = '2.5.29.37.0';

/** The others would refuse it, each with a message of its own; here it is said once. */
function assertFits(path: string, certificate: X509Certificate, wish: TlsPaths): void {
  const { hosts = [], uses = [] } = wish;
  const subject = subjectOf(certificate);
  const missing = hosts.filter((host) => !bearsHost(certificate, host));
  if (missing.length > 0) {
    const borne = certificate.subjectAltName ?? 'no name';
    const reason =
      `the certificate of ${subject} does not bear ${missing.join(', ')}, by which this node is ` +
      `reached, but ${borne}: list it in subjectAltName`;
    throw new TlsFileError(path, reason);
  }
  // Node calls the extended key usage so; undefined: for every use.
  const allowed: readonly string[] | undefined = certificate.keyUsage;
  if (allowed === undefined || allowed.includes(anyUse)) return;
  const refused = uses.filter((use) => !allowed.includes(useIds[use]));
  if (refused.length === 0) return;
  const names = refused.map((use) => `${use}Auth`).join(' and ');
  const reason = `the certificate of ${subject} lacks ${names} in its extendedKeyUsage`;
  throw new TlsFileError(path, reason);
}

/** `host` is a name or an IP address, without brackets. */
export function bearsHost(certificate: X509Certificate, host: string): boolean {
  // By the rule that Node goes by when it dials.
  return checkServerIdentity(host, certificate.toLegacyObject()) === undefined;
}

/** Whom a certificate names. */
export function subjectOf(certificate: X509Certificate): string {
  return certificate.subject?.replaceAll('\n', ', ') || certificate.subjectAltName || 'nobody';
}

function parseKey(path: string, pem: string): KeyObject {
  if (!pem.includes('PRIVATE KEY-----')) {
    throw new TlsFileError(path, 'the file holds no private key (PEM)');
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const isEncrypted = pem.includes('ENCRYPTED');
    const reason = isEncrypted
      ? 'the private key is encrypted with a pass phrase, which is not supported'
      : 'the private key is damaged';
    throw new TlsFileError(path, reason, { cause: error });
  }
}

/** A key that others can read proves nothing. */
async function assertSecret(path: string): Promise<void> {
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const shown = mode.toString(8).padStart(4, '0');
  throw new TlsFileError(path, `others may read this private key (mode ${shown}): chmod 600 it`);
}

function assertBelongs(
  keyPath: string,
  key: KeyObject,
  certificatePath: string,
  certificate: X509Certificate,
): void {
  if (certificate.checkPrivateKey(key)) return;
  const owner = `${subjectOf(certificate)} in ${certificatePath}`;
  throw new TlsFileError(keyPath, `the private key does not belong to the certificate of ${owner}`);
}
