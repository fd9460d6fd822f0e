import type { HardState } from '@d-engine/raft';
import type { VirtualDisk } from '@d-engine/virtual-env';
import { voteCopyBytes, voteCopyOffsets } from '../disk-layout.ts';

export type DurableVote = Pick<HardState, 'term' | 'votedFor'>;

const flagVoted = 1;

/** Both copies as a power loss right now would leave them. */
export function durableVotesOn(disk: VirtualDisk, path: string): readonly DurableVote[] {
  return voteCopyOffsets.flatMap((offset): DurableVote[] => {
    const bytes = disk.peekDurable(path, offset, voteCopyBytes);
    if (bytes === undefined || bytes.length < voteCopyBytes) return [];
    const copy = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const term = Number(copy.readBigUInt64LE(24));
    if ((copy.readUInt32LE(12) & flagVoted) === 0) return [{ term, votedFor: null }];
    const nodeId = Number(copy.readBigUInt64LE(32));
    return [{ term, votedFor: { nodeId, instanceId: copy.toString('hex', 40, 56) } }];
  });
}
