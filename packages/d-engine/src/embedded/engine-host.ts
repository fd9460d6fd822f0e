import type { Address, ClientApi, LeaderHint, MemberStatus, NodeRole } from '@d-engine/base';
import type { LatestValue } from './latest-value.ts';

/** Who leads, and since which term. */
export interface LeaderInfo extends LeaderHint {
  readonly term: number;
}

/** Who belongs to the cluster, as this member knows it. */
export interface Membership {
  readonly members: readonly Pick<MemberStatus, 'id' | 'address' | 'role' | 'status'>[];
}

/** What a host may want to follow. Parts that did not change are the same objects. */
export interface EngineState {
  readonly role: NodeRole;
  readonly leader: LeaderInfo | undefined;
  readonly membership: Membership;
}

/** A running member, wherever in the process it runs. */
export interface EngineHost {
  readonly nodeId: number;
  /** Undefined without a port. */
  readonly address: Address | undefined;
  readonly client: ClientApi;
  readonly state: LatestValue<EngineState>;
  /** Never rejects. Settles when everything is closed, with the reason unless it was stop(). */
  readonly closed: Promise<Error | undefined>;
  /** For a host that waits in vain. */
  whyNotReady(): Promise<string>;
  renderMetrics(): Promise<string>;
  /** A listener of the host threw: that goes to the log, and stops nobody. */
  noteFailedListener(error: unknown): void;
  /** Idempotent; never rejects: `closed` tells how it went. */
  stop(): Promise<void>;
}
