import type { InstanceId, NodeId } from '@d-engine/base';

/**
 * Data directories that came under the node id of a member whose directory is another one: those
 * that a replacement would take. Bounded: only members are noted.
 */
export class Successors {
  readonly #seen = new Map<NodeId, InstanceId>();

  note(nodeId: NodeId, instanceId: InstanceId): void {
    this.#seen.set(nodeId, instanceId);
  }

  /** The newest one. */
  of(nodeId: NodeId): InstanceId | undefined {
    return this.#seen.get(nodeId);
  }
}
