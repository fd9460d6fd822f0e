/** `[tls]` */
export const tlsSection = {
  path: 'tls',
  doc: 'Encryption between members and to clients.',
  keys: {
    enabled: {
      key: 'enable_tls',
      type: 'boolean',
      default: false,
      effect: 'not-yet',
      note: 'connections are not encrypted',
      doc: 'Encrypt connections.',
    },
    mutual: {
      key: 'enable_mtls',
      type: 'boolean',
      default: false,
      effect: 'not-yet',
      note: 'callers are not asked for a certificate',
      doc: 'Ask callers for a certificate; needs enable_tls.',
    },
    selfSigned: {
      key: 'generate_self_signed_certificates',
      type: 'boolean',
      default: false,
      effect: 'not-yet',
      doc: 'Make a certificate at the start; not together with paths of certificates.',
    },
    authorityPath: {
      key: 'certificate_authority_root_path',
      type: 'path',
      default: '/etc/ssl/certs/ca.pem',
      effect: 'not-yet',
      doc: 'Authority whose certificates of servers are trusted.',
    },
    clientAuthorityPath: {
      key: 'client_certificate_authority_root_path',
      type: 'path',
      default: '/etc/ssl/certs/ca.pem',
      effect: 'not-yet',
      doc: 'Authority whose certificates of callers are trusted.',
    },
    serverCertificatePath: {
      key: 'server_certificate_path',
      type: 'path',
      default: './certs/server.pem',
      effect: 'not-yet',
      doc: 'Certificate of this node.',
    },
    serverPrivateKeyPath: {
      key: 'server_private_key_path',
      type: 'path',
      default: './certs/server.key',
      effect: 'not-yet',
      doc: 'Private key of this node, readable by its user alone.',
    },
  },
} as const;
