import { expect, test } from 'vitest';
import { describeTlsProblem } from './tls-problems.ts';

function described(code: string, message = 'as Node says'): string | undefined {
  return describeTlsProblem(Object.assign(new Error(message), { code }));
}

test('codes of OpenSSL become words, and stay beside them', () => {
  expect(described('ERR_SSL_WRONG_VERSION_NUMBER')).toBe(
    'it does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER)',
  );
  expect(described('SELF_SIGNED_CERT_IN_CHAIN')).toContain('no authority that is trusted here');
  expect(described('CERT_HAS_EXPIRED')).toContain('its certificate has expired');
  // As older and newer versions of OpenSSL call it.
  for (const name of ['SSLV3', 'SSL/TLS']) {
    expect(described(`ERR_SSL_${name}_ALERT_CERTIFICATE_EXPIRED`)).toContain(
      'our certificate has expired',
    );
    expect(described(`ERR_SSL_${name}_ALERT_BAD_CERTIFICATE`)).toContain('it refuses our');
  }
  expect(described('ERR_TLS_CERT_ALTNAME_INVALID')).toBe(
    'its certificate is for another name: as Node says',
  );
  expect(described('ERR_SSL_SOMETHING_NEW')).toBe('TLS failed: as Node says');
});

test('a write that fails first is told in the same words', () => {
  const message =
    'write EPROTO 80:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:a.c:3:\n';
  expect(described('EPROTO', message)).toContain('it does not speak TLS');
  expect(described('EPROTO', 'write EPROTO')).toBeUndefined();
});

test('what has nothing to do with TLS is left to others', () => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ERR_SOCKET_CLOSED', 'ENOTFOUND']) {
    expect(described(code)).toBeUndefined();
  }
  expect(describeTlsProblem(new Error('no code'))).toBeUndefined();
});
