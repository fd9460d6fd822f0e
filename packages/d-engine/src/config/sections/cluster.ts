/** Who this node is, and where it lives. */
export const clusterSection = {
  path: 'cluster',
  doc: 'Who this node is, where it listens and keeps its data, and who forms the cluster with it.',
  keys: {
    nodeId: {
      key: 'node_id',
      type: 'integer',
      default: 1,
      minimum: 1,
      maximum: 4_294_967_295,
      effect: 'active',
      doc: 'Number of this node, unique in the cluster.',
    },
    listenAddress: {
      key: 'listen_address',
      type: 'address',
      default: '127.0.0.1:9081',
      effect: 'active',
      doc: 'host:port on which peers and clients reach this node.',
    },
    advertiseAddress: {
      key: 'advertise_address',
      type: 'address',
      defaultText: 'the address by which the caller reached the node',
      effect: 'active',
      versions: 'own',
      doc: 'host:port that hints and member lists name for this node.',
    },
    initialCluster: {
      key: 'initial_cluster',
      type: 'members',
      defaultText: 'this node alone, at listen_address',
      effect: 'active',
      doc: 'Members { id, address, role, status } that form the cluster; in the environment: JSON.',
      differs: {
        original: '1@127.0.0.1:8080',
        reason: 'a lone node must find itself at the address on which it listens',
      },
    },
    dbRootDir: {
      key: 'db_root_dir',
      type: 'path',
      defaultText: './db/NODE_ID',
      effect: 'active',
      doc: 'Directory of log, state and snapshots; one node owns it.',
      differs: {
        original: '/tmp/db',
        reason: 'the temporary folder is shared by all nodes of a host and emptied at a restart',
      },
    },
    logDir: {
      key: 'log_dir',
      type: 'path',
      default: './logs',
      effect: 'active',
      doc: 'The log of the node is NODE_ID/d.log in it; LOG_DIR in the environment goes before it.',
      differs: {
        original: '/tmp/logs',
        reason: 'nothing of a node lives in the temporary folder',
      },
    },
    initialClusterSize: {
      key: 'initial_cluster_size',
      type: 'ignored',
      effect: 'dead',
      versions: 'up to v0.2.2',
      deadReason: 'the voters of initial_cluster are counted',
      doc: 'Number of founding members.',
    },
    dataDir: {
      key: 'data_dir',
      type: 'ignored',
      effect: 'dead',
      doc: 'Stood in sample files; the directory is db_root_dir.',
    },
  },
} as const;
