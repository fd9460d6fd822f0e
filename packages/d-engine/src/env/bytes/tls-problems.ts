/** What OpenSSL and Node say in codes, in words. "It" is the other side. */
const words: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG)$/, 'it does not speak TLS'],
  [
    /^ERR_SSL_(UNSUPPORTED_PROTOCOL|TLSV1_ALERT_PROTOCOL_VERSION|NO_PROTOCOLS_AVAILABLE)$/,
    'no version of TLS from 1.2 on is spoken on both sides',
  ],
  [
    /^ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE$/,
    'it showed no certificate, and callers need one here (mTLS)',
  ],
  [
    /^ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED$/,
    'it takes callers with a certificate only (mTLS)',
  ],
  [/^ERR_SSL_TLSV1_ALERT_UNKNOWN_CA$/, 'it does not trust the authority of our certificate'],
  [/ALERT_CERTIFICATE_EXPIRED$/, 'it says that our certificate has expired'],
  [/ALERT_(BAD|UNSUPPORTED)_CERTIFICATE$|ALERT_CERTIFICATE_/, 'it refuses our certificate'],
  [/NO_APPLICATION_PROTOCOL$/, 'there is no protocol that both sides offer (ALPN)'],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet'],
  [/^ERR_TLS_CERT_ALTNAME_/, 'its certificate is for another name'],
  [/^INVALID_PURPOSE$/, 'its certificate is made for another use (extended key usage)'],
  [
    /^(UNABLE_TO_(GET|VERIFY)_|SELF_SIGNED_CERT_|DEPTH_ZERO_SELF_SIGNED|CERT_UNTRUSTED)/,
    'no authority that is trusted here vouches for its certificate',
  ],
  [/^(CERT_|INVALID_CA$|PATH_LENGTH_EXCEEDED$)/, 'its certificate is not accepted'],
  [/^ERR_(SSL|TLS)_/, 'TLS failed'],
];

/** In words, with the code and, of names, what Node says; undefined: it is no problem of TLS. */
export function describeTlsProblem(error: NodeJS.ErrnoException): string | undefined {
  const code = codeOf(error);
  const text = words.find(([pattern]) => pattern.test(code))?.[1];
  if (text === undefined) return undefined;
  const saysMore = code.startsWith('ERR_TLS_CERT_ALTNAME_') || text === 'TLS failed';
  return saysMore ? `${text}: ${error.message.trim()}` : `${text} (${code})`;
}

/** A write that meets the failure first calls it EPROTO, and has OpenSSL's words in its message. */
function codeOf({ code = '', message }: NodeJS.ErrnoException): string {
  const reason = code === 'EPROTO' ? /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] : undefined;
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(/[ /]/g, '_')}`;
}
