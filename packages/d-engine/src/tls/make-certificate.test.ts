import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type CertificateWish, makeCertificate } from './make-certificate.ts';

const wish: CertificateWish = {
  subject: 'nödé 1',
  hosts: ['n1.example', '10.0.0.1', '::1', 'fe80::12:0:0:3', '::ffff:1.2.3.4'],
  isAuthority: false,
  validFromMs: Date.parse('2026-01-02T03:04:05Z'),
  validToMs: Date.parse('2056-01-02T03:04:05Z'),
};

it('a certificate says what was wished, as another reader of it finds', () => {
  const made = makeCertificate(wish);
  const read = new X509Certificate(made.certificatePem);
  expect(read.subject).toBe('CN=nödé 1');
  expect(read.ca).toBe(false);
  expect(read.checkHost('n1.example')).toBe('n1.example');
  for (const ip of wish.hosts.slice(1)) expect(read.checkIP(ip)).toBe(ip);
  expect(read.checkIP('fe80::12:0:0:4')).toBeUndefined();
  expect(Date.parse(read.validFrom)).toBe(wish.validFromMs);
  expect(Date.parse(read.validTo)).toBe(wish.validToMs);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.checkPrivateKey(made.key)).toBe(true);
});

it('an authority vouches for others, and they for nobody', () => {
  const authority = makeCertificate({ ...wish, subject: 'authority', isAuthority: true });
  const issued = makeCertificate(wish, authority);
  const read = new X509Certificate(issued.certificatePem);
  const readAuthority = new X509Certificate(authority.certificatePem);
  expect(readAuthority.ca).toBe(true);
  expect(read.checkIssued(readAuthority)).toBe(true);
  expect(read.verify(readAuthority.publicKey)).toBe(true);
});

const openssl = spawnSync('openssl', ['version']).status === 0;
if (!openssl) process.stdout.write('not run: openssl missing\n');

it.runIf(openssl)('openssl verifies both, for the uses that they have, strictly', () => {
  const directory = mkdtempSync(join(tmpdir(), 'make-certificate-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const verify = (...args: string[]): string => {
    const { stdout, stderr } = spawnSync('openssl', ['verify', ...args], { encoding: 'utf8' });
    return `${stdout}${stderr}`;
  };
  const authority = makeCertificate({ ...wish, subject: 'authority', isAuthority: true });
  const ca = file('ca.pem', authority.certificatePem);
  const issued = file('n1.pem', makeCertificate(wish, authority).certificatePem);
  const alone = file('alone.pem', makeCertificate(wish).certificatePem);
  for (const purpose of ['sslserver', 'sslclient']) {
    const uses = ['-purpose', purpose, '-verify_hostname', 'n1.example'];
    expect(verify(...uses, '-CAfile', ca, issued)).toBe(`${issued}: OK\n`);
    expect(verify(...uses, '-CAfile', alone, alone)).toBe(`${alone}: OK\n`);
  }
  expect(verify('-CAfile', alone, issued)).toContain('error');
  expect(verify('-CAfile', issued, '-partial_chain', alone)).toContain('error');
});
