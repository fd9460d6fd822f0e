// How files look on the disk of a member, told apart from the code that writes them.

/** Two copies of term and vote (packages/storage/src/hard-state-slot.ts). */
export const voteFileName = 'hard-state';
/** The two copies stand that far apart. */
export const voteCopyOffsets: readonly [number, number] = [0, 4_096];
/** The last four bytes of a copy are the checksum of the others. */
export const voteCopyBytes = 88;

/** What a disk writes whole or not at all. */
export const sectorBytes = 512;

/** Records of the log are padded with zeros, which are part of them, to a multiple of this. */
export const recordAlignment = 8;
