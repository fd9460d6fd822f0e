import type { IncomingCall } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { FoundKey } from '@d-engine/wire';
import {
  decodeClientReadRequest,
  decodeClientWriteRequest,
  encodeClientResponse,
  methods,
} from '@d-engine/wire';
import type { OperationChecks } from '../operation-checks.ts';
import type { ReadRequest, ReadView } from '../reads.ts';
import type { Leadership, WriteRouter } from '../write-router.ts';
import { failCall } from './fail-call.ts';
import type { CallHandler } from './member-service.ts';

/** The original's client service: the leader serves, others say who leads. */
export class ClientCalls {
  readonly #writes: WriteRouter;
  readonly #submitRead: (request: ReadRequest) => DEngineError | undefined;
  readonly #checks: OperationChecks;
  readonly #leadership: Leadership;

  constructor(options: {
    writes: WriteRouter;
    submitRead: (request: ReadRequest) => DEngineError | undefined;
    checks: OperationChecks;
    leadership: Leadership;
  }) {
    this.#writes = options.writes;
    this.#submitRead = options.submitRead;
    this.#checks = options.checks;
    this.#leadership = options.leadership;
  }

  handlers(): [string, CallHandler][] {
    return [
      [methods.clientWrite, (call) => this.#write(call)],
      [methods.clientRead, (call) => this.#read(call)],
    ];
  }

  #write(call: IncomingCall): void {
    const request = decodeClientWriteRequest(call.request);
    const problem =
      request.session === undefined
        ? this.#checks.writeBytes(request.command)
        : new DEngineError('Unsupported', 'sessions are not in this version: leave it out');
    if (problem !== undefined) return failCall(call, problem);
    const deadlineMs = this.#deadlineMs(call);
    this.#writes.submitHere(request.command, deadlineMs, (reply) => {
      if (!reply.ok) failCall(call, reply.error);
      else call.reply(encodeClientResponse({ type: 'write', ...reply.outcome }));
    });
  }

  /** Ends before the caller's own time is over, so that the caller hears why. */
  #deadlineMs(call: IncomingCall): number {
    const { deadlineMs } = call;
    if (deadlineMs === undefined) return this.#checks.deadlineMs(undefined);
    return this.#checks.deadlineMs(deadlineMs - Math.min(answerMarginMs, deadlineMs / 5));
  }

  #read(call: IncomingCall): void {
    const request = decodeClientReadRequest(call.request);
    const problem = this.#checks.read(request.keys);
    if (problem !== undefined) return failCall(call, problem);
    const consistency = this.#checks.consistency(request.consistency);
    if (consistency instanceof DEngineError) return failCall(call, consistency);
    if (consistency === 'lease' && !this.#leadership.accepting) {
      return failCall(call, this.#leadership.notLeader());
    }
    const refused = this.#submitRead({
      keys: request.keys,
      consistency,
      minRevision: request.minRevision,
      deadlineMs: this.#deadlineMs(call),
      settle: (reply) => {
        if (!reply.ok) return failCall(call, reply.error);
        const { revision } = reply.view;
        const results = found(reply.view);
        call.reply(encodeClientResponse({ type: 'read', results, revision, consistency }));
      },
    });
    if (refused !== undefined) failCall(call, refused);
  }
}

/** For the sweep of the deadlines and the way back. */
const answerMarginMs = 100;

function found(view: ReadView): FoundKey[] {
  const results: FoundKey[] = [];
  for (const entry of view.entries) if (entry !== null) results.push(entry);
  return results;
}
