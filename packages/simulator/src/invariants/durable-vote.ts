import type { HardState } from '@d-engine/raft';
import type { VirtualDisk } from '@d-engine/virtual-env';

export type DurableVote = Pick<HardState, 'term' | 'votedFor'>;

// The layout of the file, told apart from the code that writes it (packages/storage/src/
// hard-state-slot.ts): two copies, each with the term, the vote and a checksum.
const copyOffsets = [0, 4096];
const copyBytes = 88;
const flagVoted = 1;

/** Both copies as a power loss right now would leave them. */
export function durableVotesOn(disk: VirtualDisk, path: string): readonly DurableVote[] {
  return copyOffsets.flatMap((offset): DurableVote[] => {
    const bytes = disk.peekDurable(path, offset, copyBytes);
    if (bytes === undefined || bytes.length < copyBytes) return [];
    const copy = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const term = Number(copy.readBigUInt64LE(24));
    if ((copy.readUInt32LE(12) & flagVoted) === 0) return [{ term, votedFor: null }];
    const nodeId = Number(copy.readBigUInt64LE(32));
    return [{ term, votedFor: { nodeId, instanceId: copy.toString('hex', 40, 56) } }];
  });
}
