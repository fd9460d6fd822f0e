import type { CallerCertificate, ClusterId, ErrorName, NodeId } from '@d-engine/base';
import type { HelloVerdict } from '@d-engine/raft';
import type { Hello } from '@d-engine/wire';

export type RefusalReason =
  | 'malformed'
  | 'protocolVersion'
  | 'sameNodeId'
  | 'wrongNode'
  | 'otherCluster'
  | 'unknownMember'
  | 'otherCertificate'
  | 'otherInstance'
  | 'olderBootCount'
  | 'removed'
  | 'noRoom';

export interface Refusal {
  readonly reason: RefusalReason;
  /** What the peer is told, by the error registry. */
  readonly name: ErrorName;
  /** Says what to do; shown on both sides. */
  readonly message: string;
}

export interface HelloContext {
  readonly own: Hello;
  /** Undefined on the accepting side, which learns it from the hello. */
  readonly expectedNodeId: NodeId | undefined;
  readonly isMember: (nodeId: NodeId, sameCluster: boolean) => boolean;
  /** Of a caller, where the network asks for one: it must bear a host of the member. */
  readonly certificate?: CallerCertificate | undefined;
  /** Under which a member is reached. */
  readonly hostsOf: (nodeId: NodeId) => readonly string[];
  /** Binding and boot count, as Raft and the identity file know them. */
  readonly verdict: (hello: Hello) => HelloVerdict;
}

/** Whether a peer that introduced itself may be spoken with (design rule 2). */
export function checkHello(theirs: Hello, context: HelloContext): Refusal | undefined {
  const own = context.own;
  const who = `node ${theirs.nodeId}`;
  const malformed = whatIsMalformed(theirs);
  if (malformed !== undefined) {
    return refuse('malformed', `a peer said hello with ${malformed}: is it a d-engine node?`);
  }
  if (theirs.protocolVersion !== own.protocolVersion) {
    return refuse(
      'protocolVersion',
      `${who} speaks peer protocol ${theirs.protocolVersion}, node ${own.nodeId} speaks ` +
        `${own.protocolVersion}: run versions that are next to each other`,
    );
  }
  if (theirs.nodeId === own.nodeId) {
    return refuse('sameNodeId', `two members call themselves node ${own.nodeId}: mend node_id`);
  }
  if (theirs.targetNodeId !== undefined && theirs.targetNodeId !== own.nodeId) {
    return refuse(
      'wrongNode',
      `${who} looks for node ${theirs.targetNodeId} at the address of node ${own.nodeId}: mend ` +
        'its initial_cluster',
    );
  }
  if (context.expectedNodeId !== undefined && theirs.nodeId !== context.expectedNodeId) {
    return refuse(
      'wrongNode',
      `the address of node ${context.expectedNodeId} belongs to ${who}: mend initial_cluster`,
    );
  }
  const sameCluster = own.clusterId !== null && own.clusterId === theirs.clusterId;
  if (!context.isMember(theirs.nodeId, sameCluster)) {
    return refuse('unknownMember', `${who} is no member of the cluster of node ${own.nodeId}`);
  }
  const { certificate } = context;
  const hosts = context.hostsOf(theirs.nodeId);
  if (certificate !== undefined && !hosts.some((host) => certificate.bears(host))) {
    return refuse(
      'otherCertificate',
      `${who} came with the certificate of ${certificate.subject}, which does not bear ` +
        `${hosts.join(' or ')}, the host of its address: give it one that does (subjectAltName)`,
    );
  }
  if (isOtherCluster(own.clusterId, theirs.clusterId)) {
    return refuse(
      'otherCluster',
      `${who} is of cluster ${theirs.clusterId}, node ${own.nodeId} of cluster ${own.clusterId}: ` +
        'mend the addresses, or wipe the data directory that does not belong here',
    );
  }
  return refuseByVerdict(context.verdict(theirs), theirs);
}

const idPattern = /^[0-9a-f]{32}$/;
/** Printable ASCII: hints travel in headers. */
const addressPattern = /^[!-~]{1,261}$/;
const nodeIdMax = 2 ** 32 - 1;
/** A start a second for thousands of years; more is no count of starts. */
const bootCountMax = 2 ** 40;

/** Anybody who reaches the port may say hello: nothing of it is stored before it makes sense. */
function whatIsMalformed(hello: Hello): string | undefined {
  const { nodeId, instanceId, clusterId, bootCount, advertiseAddress: address } = hello;
  if (nodeId < 1 || nodeId > nodeIdMax) return `node id ${nodeId}`;
  if (!idPattern.test(instanceId)) return 'an instance id that is none';
  if (clusterId !== null && !idPattern.test(clusterId)) return 'a cluster id that is none';
  if (bootCount < 1 || bootCount > bootCountMax) return `boot count ${bootCount}`;
  if (address !== undefined && !addressPattern.test(address)) return 'an unreadable address';
  return undefined;
}

/** Whether two hellos are of one process: the second one only brings news of it. */
export function isSameRun(one: Hello, other: Hello): boolean {
  return (
    one.nodeId === other.nodeId &&
    one.instanceId === other.instanceId &&
    one.bootCount === other.bootCount
  );
}

function refuseByVerdict(verdict: HelloVerdict, theirs: Hello): Refusal | undefined {
  switch (verdict) {
    case 'accepted':
      return undefined;
    case 'otherInstance':
      return refuse(
        'otherInstance',
        `node ${theirs.nodeId} came with another data directory than the one that the cluster ` +
          'knows (wiped, or started elsewhere); it does not vote or acknowledge: give it its old ' +
          'directory back, or replace the member; in a test cluster, stop all nodes and wipe all ' +
          'directories',
      );
    case 'olderBootCount':
      return refuse(
        'olderBootCount',
        `node ${theirs.nodeId} runs on an older copy of its data directory (boot count ` +
          `${theirs.bootCount}); a restored copy has forgotten votes and entries: give it the ` +
          'newest directory, or replace the member',
      );
    case 'removed':
      return refuse(
        'removed',
        `node ${theirs.nodeId} was removed from the cluster: stop it; to take it in again, wipe ` +
          'its data directory and let it join as a learner',
      );
  }
}

/** Nothing of this start may count before it is on this member's disk, which has no room. */
export function refuseForRoom(theirs: Hello, ownNodeId: NodeId): Refusal {
  const who = `node ${theirs.nodeId}`;
  return refuse(
    'noRoom',
    `node ${ownNodeId} has no room on its disk to note that ${who} started again, and must not ` +
      `count ${who} before: free space on the disk of node ${ownNodeId}; it tries again by itself`,
  );
}

function isOtherCluster(own: ClusterId | null, theirs: ClusterId | null): boolean {
  return own !== null && theirs !== null && own !== theirs;
}

const names: Readonly<Record<RefusalReason, ErrorName>> = {
  malformed: 'InvalidRequest',
  protocolVersion: 'VersionMismatch',
  sameNodeId: 'InvalidRequest',
  wrongNode: 'InvalidAddress',
  otherCluster: 'WrongCluster',
  unknownMember: 'NotFound',
  otherCertificate: 'Forbidden',
  otherInstance: 'MemberRefused',
  olderBootCount: 'MemberRefused',
  removed: 'MemberRemoved',
  noRoom: 'DiskFull',
};

function refuse(reason: RefusalReason, message: string): Refusal {
  return { reason, name: names[reason], message };
}
