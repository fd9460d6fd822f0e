import type { ClusterId, IncomingCall } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import {
  decodeJoinRequest,
  decodeMemberChangeRequest,
  encodeJoinResponse,
  encodeMemberChangeResult,
  methods,
  toDEngineError,
} from '@d-engine/wire';
import type { MemberRequest } from '../membership/member-action.ts';
import type { MemberChanges } from '../membership/member-changes.ts';
import type { Leadership } from '../write-router.ts';
import { failCall } from './fail-call.ts';
import type { CallHandler } from './member-service.ts';

/** Where the caller names no time of its own. */
const waitMsDefault = 10_000;
const waitMsMax = 60_000;

/** Changes of who belongs to the cluster: a learner that asks to be taken in, and operators. */
export class MemberCalls {
  readonly #changes: MemberChanges;
  readonly #leadership: Leadership;
  readonly #clusterId: () => ClusterId | null;

  constructor(options: {
    readonly changes: MemberChanges;
    readonly leadership: Leadership;
    readonly clusterId: () => ClusterId | null;
  }) {
    this.#changes = options.changes;
    this.#leadership = options.leadership;
    this.#clusterId = options.clusterId;
  }

  handlers(): [string, CallHandler][] {
    return [
      [methods.joinCluster, (call) => this.#join(call)],
      [methods.changeMember, (call) => this.#change(call)],
    ];
  }

  #change(call: IncomingCall): void {
    const { action, nodeId, waitMs, forwarded } = decodeMemberChangeRequest(call.request);
    const limitMs = Math.min(waitMs === 0 ? waitMsDefault : waitMs, waitMsMax);
    const request: MemberRequest = { action, nodeId };
    const { closed } = this.#leadership;
    if (closed !== undefined) return failCall(call, closed);
    const changes = this.#changes;
    const result = forwarded ? changes.here(request, limitMs) : changes.request(request, limitMs);
    result.then(
      (done) => call.reply(encodeMemberChangeResult(done)),
      (error: unknown) => failCall(call, toDEngineError(error)),
    );
  }

  #join(call: IncomingCall): void {
    const request = decodeJoinRequest(call.request);
    const { nodeId, address, instanceId } = request;
    const problem = this.#leadership.closed ?? whatIsWrong(request, this.#clusterId());
    if (problem !== undefined) return failCall(call, problem);
    const promotable = request.status !== 'readOnly';
    const learner = { id: nodeId, address, promotable, instanceId };
    const limitMs = Math.min(call.deadlineMs ?? waitMsDefault, waitMsDefault) * 0.8;
    this.#changes.here({ action: 'join', nodeId, learner }, limitMs).then(
      ({ leaderId }) => {
        call.reply(
          encodeJoinResponse({
            success: true,
            error: '',
            config: undefined,
            configVersion: 0,
            snapshotMetadata: undefined,
            leaderId: leaderId ?? 0,
          }),
        );
      },
      (error: unknown) => failCall(call, toDEngineError(error)),
    );
  }
}

const nodeIdMax = 2 ** 32 - 1;
const addressPattern = /^[!-~]{1,261}$/;

function whatIsWrong(
  { nodeId, nodeRole, address, clusterId }: ReturnType<typeof decodeJoinRequest>,
  own: ClusterId | null,
): DEngineError | undefined {
  if (nodeId < 1 || nodeId > nodeIdMax) {
    return new DEngineError('InvalidRequest', `node id ${nodeId} is none`);
  }
  if (!addressPattern.test(address)) {
    return new DEngineError('InvalidAddress', `node ${nodeId} names no address to call it at`);
  }
  if (nodeRole !== 'learner') {
    return new DEngineError(
      'InvalidRequest',
      `node ${nodeId} must join as a learner: role 4 in its initial_cluster`,
    );
  }
  if (clusterId === undefined || clusterId === own) return undefined;
  return new DEngineError(
    'WrongCluster',
    `node ${nodeId} has the data of cluster ${clusterId}, and this is cluster ${own}: mend its ` +
      'initial_cluster, or wipe its data directory',
  );
}
