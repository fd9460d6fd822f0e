import { limits } from '@d-engine/base';
import { expiringKeyOverheadBytes, keyOverheadBytes } from './key-space.ts';
import { leasedKeyOverheadBytes } from './lease-table.ts';
import { resultOverheadBytes } from './session-table.ts';

/** A new key that goes away by itself and with a lease; a session or a lease costs less. */
const newKeyBytes = keyOverheadBytes + expiringKeyOverheadBytes + leasedKeyOverheadBytes;
/** A session's result of most commands; that of one which reads may be larger. */
const keptResultBytes = resultOverheadBytes + 64;
/** How the encoding of a transaction begins: the tag of its field. */
const transactionTag = [0xa2, 0x06] as const;

/** By how much an encoded command can make `stateBytes` larger: when all its keys are new. */
export function stateGrowthMax(command: Uint8Array): number {
  const isTransaction = command[0] === transactionTag[0] && command[1] === transactionTag[1];
  const keys = isTransaction ? limits.transactionStepsMax : 1;
  return command.length + keys * newKeyBytes + keptResultBytes;
}
