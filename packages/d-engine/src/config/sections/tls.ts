/** `[tls]` */
export const tlsSection = {
  path: 'tls',
  doc: 'Encryption between members and to clients; the metrics port stays plain: operations.md.',
  keys: {
    enabled: {
      key: 'enable_tls',
      type: 'boolean',
      default: false,
      effect: 'active',
      doc: 'Encrypt the port of clients and members; all members must agree.',
    },
    mutual: {
      key: 'enable_mtls',
      type: 'boolean',
      default: false,
      effect: 'active',
      doc: 'Callers need a certificate, members one with their host; needs enable_tls.',
    },
    selfSigned: {
      key: 'generate_self_signed_certificates',
      type: 'boolean',
      default: false,
      effect: 'active',
      doc: 'Make a certificate in db_root_dir/tls, once; not together with paths of one.',
    },
    authorityPath: {
      key: 'certificate_authority_root_path',
      type: 'path',
      default: '/etc/ssl/certs/ca.pem',
      effect: 'active',
      doc: 'Who vouches for the members that this one dials; several certificates may stand in it.',
    },
    clientAuthorityPath: {
      key: 'client_certificate_authority_root_path',
      type: 'path',
      default: '/etc/ssl/certs/ca.pem',
      effect: 'active',
      doc: 'Who vouches for callers, members and clients, with enable_mtls.',
    },
    serverCertificatePath: {
      key: 'server_certificate_path',
      type: 'path',
      default: './certs/server.pem',
      effect: 'active',
      doc: 'Certificate of this node, then those between it and its authority; it bears its host.',
    },
    serverPrivateKeyPath: {
      key: 'server_private_key_path',
      type: 'path',
      default: './certs/server.key',
      effect: 'active',
      doc: 'Private key of this node, readable by its user alone (mode 0600).',
    },
  },
} as const;
