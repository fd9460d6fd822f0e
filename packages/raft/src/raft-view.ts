import type { Raft } from './raft.ts';

/** What a check of a whole cluster looks at; nothing in it changes anything. */
export type RaftView = Pick<
  Raft,
  | 'role'
  | 'term'
  | 'leaderId'
  | 'commitIndex'
  | 'verifiedIndex'
  | 'durableIndex'
  | 'heldIndex'
  | 'recovering'
  | 'firstLogIndex'
  | 'lastLogIndex'
  | 'termAt'
  | 'entries'
  | 'stickyUntilMs'
  | 'hardState'
  | 'isHardStateDurable'
  | 'configuration'
  | 'instanceId'
  | 'bindings'
  | 'leaseValid'
>;
