import { mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate } from './make-certificate.ts';

export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Who shares a file of these would have to change it before it ends; nobody is reminded often. */
const validMs = 10 * 365 * 86_400_000;
/** A clock that is behind must not take a certificate of today for one of tomorrow. */
const clockSlackMs = 86_400_000;

/** Where the certificate is that a node makes for itself. */
export function selfSignedFiles(dataDirectory: string): CertificateFiles {
  const directory = join(dataDirectory, 'tls');
  return { certificate: join(directory, 'server.pem'), privateKey: join(directory, 'server.key') };
}

/** Makes the files unless they are there: whoever trusts them does so over restarts. */
export async function ensureSelfSigned(
  files: CertificateFiles,
  wish: { readonly subject: string; readonly hosts: readonly string[]; readonly nowMs: number },
): Promise<'made' | 'kept'> {
  const { certificate, privateKey } = files;
  if ((await isThere(certificate)) && (await isThere(privateKey))) return 'kept';
  const { subject, hosts, nowMs } = wish;
  const made = makeCertificate({
    subject,
    hosts,
    isAuthority: false,
    validFromMs: nowMs - clockSlackMs,
    validToMs: nowMs + validMs,
  });
  await mkdir(join(privateKey, '..'), { recursive: true, mode: 0o700 });
  // The certificate comes last: what is there without it was not finished, and is made anew.
  await replaceFile(privateKey, made.keyPem, 0o600);
  await replaceFile(certificate, made.certificatePem, 0o644);
  return 'made';
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', mode);
  try {
    // One that was left behind keeps the mode that it had.
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
