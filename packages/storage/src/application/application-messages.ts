import type { ClientApi, ReadOptions, RequestOptions, Revision } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';

// How the bytes of an application travel: in messages of the store, so that every road in, the
// forwarding to the leader and the checks of sizes carry them without knowing. A command is a swap
// of the empty key that never succeeds: its new value is the command, and what it finds there is
// the result. A query is a key, behind a byte that no command's key has, and the value its answer.

const commandKey: Uint8Array = new Uint8Array(0);
const queryMark = 1;
const answered = 0;
const failed = 1;

/** What an application answers. */
export interface ApplicationResult {
  readonly result: Uint8Array;
  /** Of a command: its own. Of a query: what it saw. */
  readonly revision: Revision;
}

/** A state machine of a host's own, as its callers see it. */
export interface ApplicationClient {
  /** Resolves with the answer of the machine once the command is committed and applied. */
  propose(command: Uint8Array, options?: RequestOptions): Promise<ApplicationResult>;
  /** With the guarantee of the consistency; rejects with InvalidRequest when the machine throws. */
  query(request: Uint8Array, options?: ReadOptions): Promise<ApplicationResult>;
}

/** Over any client of a cluster whose members run the machine. */
export function applicationClient(client: ClientApi): ApplicationClient {
  return {
    async propose(command, options) {
      const swap = await client.compareAndSwap(commandKey, null, command, options);
      const { succeeded, current, revision } = swap;
      if (succeeded || current === null) throw notAnApplication();
      return { result: current, revision };
    },
    async query(request, options) {
      const key = new Uint8Array(request.length + 1);
      key[0] = queryMark;
      key.set(request, 1);
      const { entries, revision } = await client.read([key], options);
      const value = entries[0]?.value;
      if (value === undefined) throw notAnApplication();
      const body = value.subarray(1);
      if (value[0] === answered) return { result: body, revision };
      throw new DEngineError('InvalidRequest', new TextDecoder().decode(body));
    },
  };
}

/** The request of a query; undefined for a key that is none. */
export function requestOf(key: Uint8Array): Uint8Array | undefined {
  return key[0] === queryMark ? key.subarray(1) : undefined;
}

/** The value that stands for the answer of a query, or for what it threw. */
export function answerOf(query: () => Uint8Array): Uint8Array {
  let body: Uint8Array;
  let mark = answered;
  try {
    body = query();
  } catch (error) {
    mark = failed;
    body = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
  }
  const value = new Uint8Array(body.length + 1);
  value[0] = mark;
  value.set(body, 1);
  return value;
}

function notAnApplication(): DEngineError {
  const message = 'this cluster runs the key-value store, and no state machine of a host';
  return new DEngineError('Unsupported', message);
}
