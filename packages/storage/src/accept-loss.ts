import { join } from 'node:path';
import type { Disk, NodeId } from '@d-engine/base';
import type { Identity } from './identity.ts';
import { encodeIdentity } from './identity-codec.ts';
import { IdentityFile, identityFileName } from './identity-file.ts';
import { missing } from './open-storage.ts';
import { replaceFile } from './replace-file.ts';

/**
 * An operator says that these voters are gone for good, with all that they alone may have held: at
 * the next start of this directory's node they are not waited for where every voter is needed
 * (design rule 3). An empty list takes that back. Nobody runs on the directory meanwhile.
 */
export async function acceptDataLoss(
  disk: Disk,
  directory: string,
  goneVoters: readonly NodeId[],
): Promise<Identity> {
  const identity = await IdentityFile.read(disk, directory);
  if (identity === undefined) throw missing(directory, identityFileName);
  const told = { ...identity, goneVoters };
  await replaceFile(disk, join(directory, identityFileName), encodeIdentity(told));
  return told;
}
