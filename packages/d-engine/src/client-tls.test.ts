import { DEngineError } from '@d-engine/base';
import { expect, test } from 'vitest';
import { type ClientTls, clientNetworkTls } from './client-tls.ts';
import { connect } from './connect.ts';
import { makeCertificate } from './env/bytes/test/certificates.ts';

const { certificatePem, keyPem } = makeCertificate({ subject: 'app' });

function problemOf(tls: ClientTls): string {
  try {
    clientNetworkTls(tls);
  } catch (error) {
    if (error instanceof DEngineError && error.name === 'TlsFailed') return error.message;
    throw error;
  }
  return 'none';
}

test('whatever is whole is taken, as text or bytes', () => {
  expect(problemOf({})).toBe('none');
  expect(problemOf({ ca: Buffer.from(certificatePem) })).toBe('none');
  expect(problemOf({ certificate: certificatePem, key: keyPem, serverName: 'n1' })).toBe('none');
});

test('what cannot be used is refused before anything is sent', () => {
  expect(problemOf({ certificate: certificatePem })).toContain('give both');
  expect(problemOf({ ca: './certs/ca.pem' })).toMatch(
    /^tls\.ca holds no certificate .*not its path/,
  );
  expect(problemOf({ certificate: keyPem, key: keyPem })).toContain('tls.certificate holds no');
  const { keyPem: other } = makeCertificate({ subject: 'other' });
  expect(problemOf({ certificate: certificatePem, key: other })).toContain('key values mismatch');
});

test('an endpoint that says https needs the option, and one that says http excludes it', () => {
  expect(() => connect({ endpoints: ['https://n1:1'] })).toThrow(/has no tls option/);
  expect(() => connect({ endpoints: ['http://n1:1'], tls: {} })).toThrow(/there is a tls option/);
});
