import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** Where a side keeps what it proves itself with, and whom it trusts. All are PEM files. */
export interface TlsPaths {
  /** Its certificate, followed by those of the authorities between it and a root, if any. */
  readonly certificate?: string | undefined;
  readonly privateKey?: string | undefined;
  /** The authorities by which the other side's certificate is checked. */
  readonly authorities?: string | undefined;
}

export interface TlsMaterial {
  readonly certificate: string | undefined;
  readonly privateKey: string | undefined;
  readonly authorities: string | undefined;
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
  const material = {
    certificate: await readPem(certificate),
    privateKey: await readPem(privateKey),
    authorities: await readPem(authorities),
  };
  if (certificate !== undefined && material.certificate !== undefined) {
    const chain = parseCertificates(certificate, material.certificate);
    for (const each of chain) assertCurrent(certificate, each, nowMs);
    if (privateKey !== undefined && material.privateKey !== undefined) {
      await assertSecret(privateKey);
      const key = parseKey(privateKey, material.privateKey);
      assertBelongs(privateKey, key, certificate, chain[0] as X509Certificate);
    }
  }
  if (authorities !== undefined && material.authorities !== undefined) {
    assertSomeCurrent(authorities, parseCertificates(authorities, material.authorities), nowMs);
  }
  return material;
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
  const subject = nameOf(certificate);
  const { validFrom, validTo } = certificate;
  if (nowMs > Date.parse(validTo)) return `the certificate of ${subject} expired on ${validTo}`;
  if (nowMs >= Date.parse(validFrom)) return undefined;
  return `the certificate of ${subject} is not valid before ${validFrom}`;
}

function nameOf(certificate: X509Certificate): string {
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
  const owner = `${nameOf(certificate)} in ${certificatePath}`;
  throw new TlsFileError(keyPath, `the private key does not belong to the certificate of ${owner}`);
}
