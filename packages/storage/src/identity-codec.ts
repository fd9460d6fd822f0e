import { crc32 } from 'node:zlib';
import type { NodeId } from '@d-engine/base';
import type { Identity, PeerIdentity } from './identity.ts';
import { StorageDamage, UnsupportedFormat } from './storage-errors.ts';

const formatVersion = 1;
const idPattern = /^[0-9a-f]{32}$/;

/** 32 hex digits, as every random id of the engine. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && idPattern.test(value);
}

/**
 * JSON that people can read, with the CRC of its other fields as the last one. There is exactly one
 * encoding of an identity, so a reader compares bytes and finds every change.
 */
export function encodeIdentity(identity: Identity): Uint8Array {
  const peers = [...identity.peers].sort(([left], [right]) => left - right);
  const fields = {
    formatVersion,
    nodeId: identity.nodeId,
    instanceId: identity.instanceId,
    bootCount: identity.bootCount,
    initialized: identity.initialized,
    clusterId: identity.clusterId,
    clusterFormedAtMs: identity.clusterFormedAtMs,
    peers: Object.fromEntries(
      peers.map(([id, { instanceId, bootCount }]) => [String(id), { instanceId, bootCount }]),
    ),
    // Left out where it says nothing: directories of DiskFirst are what they always were.
    ...(identity.logMayLack && { logMayLack: true }),
    ...(identity.goneVoters.length > 0 && { goneVoters: identity.goneVoters }),
    ...(identity.divergedAt !== null && { divergedAt: identity.divergedAt }),
  };
  const content = { ...fields, crc32: checksumOf(fields) };
  return Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
}

function checksumOf(fields: Readonly<Record<string, unknown>>): string {
  return crc32(JSON.stringify(fields)).toString(16).padStart(8, '0');
}

/** Throws {@link StorageDamage} or {@link UnsupportedFormat}, naming `file`. */
export function decodeIdentity(bytes: Uint8Array, file: string): Identity {
  const fields = parseObject(bytes, file);
  // Every version has these two fields, so that one that went bad is told from a newer one.
  const { formatVersion: version, crc32: checksum, ...rest } = fields;
  if (typeof version === 'number' && version !== formatVersion) {
    if (checksum === checksumOf({ formatVersion: version, ...rest })) {
      throw new UnsupportedFormat(file, version);
    }
    throw damaged(file, 'its content does not match its checksum');
  }
  const identity = identityOf(fields);
  if (identity === undefined || Buffer.compare(encodeIdentity(identity), bytes) !== 0) {
    throw damaged(file, 'its content does not match its checksum');
  }
  return identity;
}

function parseObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (isRecord(value)) return value;
  } catch (error) {
    throw damaged(file, 'it is no JSON', error);
  }
  throw damaged(file, 'it is no JSON object');
}

function identityOf(fields: Record<string, unknown>): Identity | undefined {
  const { nodeId, instanceId, bootCount, initialized, clusterId, clusterFormedAtMs } = fields as {
    [name in keyof Identity]: unknown;
  };
  const peers = peersOf(fields['peers']);
  if (!isCount(nodeId) || !isId(instanceId) || !isCount(bootCount)) return undefined;
  if (typeof initialized !== 'boolean' || peers === undefined) return undefined;
  const logMayLack = fields['logMayLack'] === true;
  const goneVoters = fields['goneVoters'] ?? [];
  if (!Array.isArray(goneVoters) || !goneVoters.every(isCount)) return undefined;
  const divergedAt = fields['divergedAt'] ?? null;
  if (divergedAt !== null && !isCount(divergedAt)) return undefined;
  const marks = { logMayLack, goneVoters, divergedAt };
  const own = { nodeId, instanceId, bootCount, initialized, peers, ...marks };
  if (clusterId === null && clusterFormedAtMs === null) {
    return { ...own, clusterId, clusterFormedAtMs };
  }
  if (!isId(clusterId) || !Number.isSafeInteger(clusterFormedAtMs)) return undefined;
  return { ...own, clusterId, clusterFormedAtMs: clusterFormedAtMs as number };
}

function peersOf(value: unknown): Map<NodeId, PeerIdentity> | undefined {
  if (!isRecord(value)) return undefined;
  const peers = new Map<NodeId, PeerIdentity>();
  for (const [key, peer] of Object.entries(value)) {
    const id = Number(key);
    if (!isCount(id) || !isRecord(peer)) return undefined;
    const { instanceId, bootCount } = peer as { [name in keyof PeerIdentity]: unknown };
    if (!isId(instanceId) || !isCount(bootCount)) return undefined;
    peers.set(id, { instanceId, bootCount });
  }
  return peers;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function damaged(file: string, reason: string, cause?: unknown): StorageDamage {
  return new StorageDamage({ file, offset: 0, reason, cause });
}
