import type { Consistency, IncomingCall, Revision } from '@d-engine/base';
import { DEngineError, limits } from '@d-engine/base';
import type { FoundKey } from '@d-engine/wire';
import {
  decodeClientReadRequest,
  decodeClientWriteRequest,
  decodeScanRequest,
  encodeClientResponse,
  encodeScanResponse,
  methods,
} from '@d-engine/wire';
import type { OperationChecks } from '../operation-checks.ts';
import type { ReadQuestion, ReadRequest, ReadView } from '../reads.ts';
import { pageOf, scanAnswer } from '../scan-cursor.ts';
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
      [methods.clientScan, (call) => this.#scan(call)],
    ];
  }

  #write(call: IncomingCall): void {
    const request = decodeClientWriteRequest(call.request);
    const problem = this.#checks.writeBytes(request.command);
    if (problem !== undefined) return failCall(call, problem);
    const deadlineMs = this.#deadlineMs(call);
    this.#writes.submitHere(request, deadlineMs, (reply) => {
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
    const { keys, lease } = request;
    const problem =
      lease !== undefined && keys.length > 0
        ? new DEngineError('InvalidRequest', 'a read asks for keys or for a lease, not for both')
        : this.#checks.read(keys);
    if (problem !== undefined) return failCall(call, problem);
    const question: ReadQuestion =
      lease === undefined ? { type: 'keys', keys } : { type: 'lease', lease };
    this.#look(call, { ...request, question }, (view, consistency) => {
      const { revision } = view;
      const state = view.lease ?? undefined;
      const results = found(view);
      return encodeClientResponse({ type: 'read', results, revision, consistency, lease: state });
    });
  }

  /** One of the original has no limit: it gets all that fits in an answer, or an error. */
  #scan(call: IncomingCall): void {
    const request = decodeScanRequest(call.request);
    const { range, order, cursor } = request;
    const isWhole = request.limit === 0;
    const limit = isWhole ? limits.readKeysMax : request.limit;
    const page = pageOf(range, { order, limit, cursor });
    const problem = isWhole ? undefined : this.#checks.scanLimit(limit);
    if (problem !== undefined) return failCall(call, problem);
    if (page instanceof DEngineError) return failCall(call, page);
    const { query, firstRevision } = page;
    const minRevision = Math.max(request.minRevision, firstRevision);
    const question: ReadQuestion = { type: 'scan', scan: query };
    this.#look(call, { ...request, minRevision, question }, (view, consistency) => {
      if (isWhole && view.hasMore === true) return tooManyKeys();
      const answer = scanAnswer(view, query, firstRevision);
      const nextCursor = answer.nextCursor ?? '';
      return encodeScanResponse({ ...answer, nextCursor, consistency });
    });
  }

  #look(
    call: IncomingCall,
    wanted: {
      readonly question: ReadQuestion;
      readonly consistency: Consistency | undefined;
      readonly minRevision: Revision;
    },
    answer: (view: ReadView, consistency: Consistency) => Uint8Array | DEngineError,
  ): void {
    const { question, minRevision } = wanted;
    const consistency = this.#checks.consistency(wanted.consistency);
    if (consistency instanceof DEngineError) return failCall(call, consistency);
    if (consistency === 'lease' && !this.#leadership.accepting) {
      return failCall(call, this.#leadership.notLeader());
    }
    const refused = this.#submitRead({
      question,
      consistency,
      minRevision,
      deadlineMs: this.#deadlineMs(call),
      settle: (reply) => {
        if (!reply.ok) return failCall(call, reply.error);
        const bytes = answer(reply.view, consistency);
        if (bytes instanceof DEngineError) failCall(call, bytes);
        else call.reply(bytes);
      },
    });
    if (refused !== undefined) failCall(call, refused);
  }
}

function tooManyKeys(): DEngineError {
  const message = 'more keys match than fit in an answer: scan page by page, with a limit';
  return new DEngineError('RequestTooLarge', message);
}

/** For the sweep of the deadlines and the way back. */
const answerMarginMs = 100;

function found(view: ReadView): FoundKey[] {
  const results: FoundKey[] = [];
  for (const entry of view.entries) if (entry !== null) results.push(entry);
  return results;
}
