import type { NodeId } from '@d-engine/base';
import type { PeerProgress } from '@d-engine/raft';

/** Members that answer nothing, look after look. They are only named: removing is a decision. */
export class SilentMembers {
  readonly #looks = new Map<NodeId, number>();

  /** Those that have now been silent for `looksMax` looks in a row; each is told once. */
  look(
    peers: readonly PeerProgress[],
    nowMs: number,
    silentMs: number,
    looksMax: number,
  ): readonly NodeId[] {
    const told: NodeId[] = [];
    const known = new Set(peers.map(({ nodeId }) => nodeId));
    for (const id of this.#looks.keys()) if (!known.has(id)) this.#looks.delete(id);
    for (const { nodeId, lastContactMs } of peers) {
      const isSilent = lastContactMs === undefined || nowMs - lastContactMs > silentMs;
      const looks = isSilent ? (this.#looks.get(nodeId) ?? 0) + 1 : 0;
      this.#looks.set(nodeId, looks);
      if (looks === looksMax) told.push(nodeId);
    }
    return told;
  }
}
