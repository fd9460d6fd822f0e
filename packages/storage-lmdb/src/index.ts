export { openLmdbStateMachine } from './open-lmdb-state-machine.ts';
