import type { OpenStateMachine } from 'd-engine/storage';
import { openDiskStateMachine } from 'd-engine/storage';
import { LmdbStore } from './lmdb-store.ts';

/** d-engine's state machine with its keys in LMDB, for `openStateMachine`. */
export const openLmdbStateMachine: OpenStateMachine = async (context) => {
  return openDiskStateMachine(await LmdbStore.open(context.directory), context);
};
