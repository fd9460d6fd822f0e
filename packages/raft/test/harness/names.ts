import type { InstanceId, NodeId } from '@d-engine/base';

/** 32 hex digits that tell which node they belong to and which of its data directories. */
export function instanceIdOf(node: NodeId, directory: number): InstanceId {
  return hex(node, 8) + hex(directory, 24);
}

/** `n3` for the first data directory of node 3, `n3'` for the one after a wipe, and so on. */
export function instanceName(instanceId: InstanceId): string {
  const node = Number.parseInt(instanceId.slice(0, 8), 16);
  const directory = Number.parseInt(instanceId.slice(8), 16);
  return `n${node}${"'".repeat(directory - 1)}`;
}

/** A random id of 32 hex digits as the class under test asks for them; here they count up. */
export function newIdOf(node: NodeId, count: number): string {
  return `c${hex(node, 7)}${hex(count, 24)}`;
}

export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
