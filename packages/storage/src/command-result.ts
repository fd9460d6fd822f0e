import type { ErrorName, LeaseId, Revision, SessionId, TransactionResponse } from '@d-engine/base';

/** Why a command in the log did nothing: names of the error registry. */
export type RefusalName = Extract<
  ErrorName,
  'InvalidRequest' | 'LeaseNotFound' | 'RateLimited' | 'SessionExpired'
>;

/** What a command did. Every one carries the revision of its entry. */
export type CommandResult =
  | { readonly type: 'put'; readonly revision: Revision }
  | { readonly type: 'delete'; readonly revision: Revision; readonly deleted: boolean }
  | {
      readonly type: 'compareAndSwap';
      readonly revision: Revision;
      readonly succeeded: boolean;
      /** When it failed: what the key holds instead; null when absent. Not to be changed. */
      readonly current: Uint8Array | null;
    }
  | {
      readonly type: 'transaction';
      readonly revision: Revision;
      readonly succeeded: boolean;
      readonly responses: readonly TransactionResponse[];
    }
  | {
      readonly type: 'grantLease';
      readonly revision: Revision;
      readonly lease: LeaseId;
      readonly ttlMs: number;
    }
  | { readonly type: 'keepLeaseAlive'; readonly revision: Revision; readonly ttlMs: number }
  | { readonly type: 'revokeLease'; readonly revision: Revision; readonly deletedKeys: number }
  | {
      readonly type: 'openSession';
      readonly revision: Revision;
      /** An older revision when the name was in use. */
      readonly session: SessionId;
      readonly ttlMs: number;
    }
  | { readonly type: 'keepSessionAlive'; readonly revision: Revision; readonly ttlMs: number }
  | { readonly type: 'closeSession'; readonly revision: Revision }
  /** The command is in the log and did nothing. */
  | {
      readonly type: 'refused';
      readonly revision: Revision;
      readonly error: RefusalName;
      readonly message: string;
    };
