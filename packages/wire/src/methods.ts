/** Full names of the gRPC methods: `package.Service/Method`, as `Network` carries them. */
export const methods = {
  clientWrite: 'd_engine.client.RaftClientService/HandleClientWrite',
  clientRead: 'd_engine.client.RaftClientService/HandleClientRead',
  clientScan: 'd_engine.client.RaftClientService/HandleClientScan',
  watch: 'd_engine.client.RaftClientService/Watch',
  watchMembership: 'd_engine.client.RaftClientService/WatchMembership',
  updateClusterConf: 'd_engine.server.cluster.ClusterManagementService/UpdateClusterConf',
  clusterMetadata: 'd_engine.server.cluster.ClusterManagementService/GetClusterMetadata',
  joinCluster: 'd_engine.server.cluster.ClusterManagementService/JoinCluster',
  discoverLeader: 'd_engine.server.cluster.ClusterManagementService/DiscoverLeader',
  healthCheck: 'grpc.health.v1.Health/Check',
  healthWatch: 'grpc.health.v1.Health/Watch',
  reflection: 'grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  reflectionAlpha: 'grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  status: 'd_engine.admin.v1.AdminService/Status',
  changeMember: 'd_engine.admin.v1.AdminService/ChangeMember',
  saveSnapshot: 'd_engine.admin.v1.AdminService/SaveSnapshot',
  peerControl: 'd_engine.peer.v1.PeerService/Control',
  peerData: 'd_engine.peer.v1.PeerService/Data',
  peerBulk: 'd_engine.peer.v1.PeerService/Bulk',
} as const;

export type MethodName = keyof typeof methods;

/** Names of the services, as `grpc.health.v1` asks for them. */
export const services = {
  client: 'd_engine.client.RaftClientService',
  cluster: 'd_engine.server.cluster.ClusterManagementService',
  health: 'grpc.health.v1.Health',
  reflection: 'grpc.reflection.v1.ServerReflection',
  admin: 'd_engine.admin.v1.AdminService',
  peer: 'd_engine.peer.v1.PeerService',
} as const;

const streamMethods: ReadonlySet<string> = new Set([
  methods.watch,
  methods.watchMembership,
  methods.healthWatch,
  methods.reflection,
  methods.reflectionAlpha,
  methods.saveSnapshot,
  methods.peerControl,
  methods.peerData,
  methods.peerBulk,
]);

/** Whether a method is a stream and no unary call: the wire itself does not say. */
export function isStreamMethod(method: string): boolean {
  return streamMethods.has(method);
}

const peerPrefix = `${services.peer}/`;

/** Peers may send larger messages than clients may: see `limits.peerMessageBytesMax`. */
export function isPeerMethod(method: string): boolean {
  return method.startsWith(peerPrefix);
}
