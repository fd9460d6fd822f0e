/** Keys that only this engine has, and what stands above every table of the file. */

/** `[http]` */
export const httpSection = {
  path: 'http',
  doc: 'HTTP/JSON on the client port.',
  keys: {
    allowedHosts: {
      key: 'allowed_hosts',
      type: 'text-list',
      default: [],
      effect: 'active',
      versions: 'own',
      doc: 'Host names that callers may use besides those the node knows; in the environment: a,b.',
    },
  },
} as const;

/** `[client]` */
export const clientSection = {
  path: 'client',
  doc: 'The client inside this node: embedded calls and HTTP/JSON.',
  keys: {
    deadlineMs: {
      key: 'deadline_ms',
      type: 'integer',
      unit: 'ms',
      default: 3000,
      minimum: 1,
      effect: 'not-yet',
      versions: 'own',
      doc: 'How long a call that names no deadline waits for its answer.',
      differs: {
        original: '50 (general_raft_timeout_duration_in_ms served both sides)',
        reason: 'a call should outlast an election; the server has a deadline of its own',
      },
    },
  },
} as const;

/** `[limits]`; the defaults are the bounds that the engine is built for (base/limits.ts). */
export const limitsSection = {
  path: 'limits',
  doc: 'Bounds on what a client may send (over one: error 10002, status 413) and on the state.',
  keys: {
    keyBytesMax: {
      key: 'max_key_bytes',
      type: 'integer',
      unit: 'bytes',
      default: 65_536,
      minimum: 1,
      maximum: 65_536,
      effect: 'active',
      versions: 'own',
      doc: 'Longest key.',
    },
    valueBytesMax: {
      key: 'max_value_bytes',
      type: 'integer',
      unit: 'bytes',
      default: 3_145_728,
      minimum: 1,
      maximum: 3_145_728,
      effect: 'active',
      versions: 'own',
      doc: 'Largest value.',
    },
    requestBytesMax: {
      key: 'max_request_bytes',
      type: 'integer',
      unit: 'bytes',
      default: 4_194_304,
      minimum: 1024,
      maximum: 4_194_304,
      effect: 'active',
      versions: 'own',
      doc: 'Largest request; above the largest key and value together.',
    },
    stateBytesMax: {
      key: 'max_state_bytes',
      type: 'integer',
      unit: 'bytes',
      default: 2_147_483_648,
      minimum: 1_048_576,
      effect: 'active',
      versions: 'own',
      doc: 'Bytes of all keys and values in memory, about; writes that add more: 10011, 507.',
    },
  },
} as const;

/** Tables of the original that nothing reads. */
export const topSection = {
  path: '',
  doc: 'Tables that are accepted and not used.',
  keys: {
    monitoring: {
      key: 'monitoring',
      type: 'ignored',
      effect: 'dead',
      versions: 'v0.1.2',
      deadReason: 'the port of the metrics is METRICS_PORT in the environment',
      doc: 'Table: prometheus_enabled and prometheus_port.',
    },
  },
} as const;
