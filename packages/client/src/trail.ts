import { type Address, DEngineError, type ErrorName, errorRegistry } from '@d-engine/base';
import type { Operation } from '@d-engine/wire';
import type { AttemptFailure } from './attempt-failure.ts';
import type { OperationScope } from './operation-scope.ts';

interface Visit {
  count: number;
  last: AttemptFailure;
}

/** What an operation went through: the error that its caller gets tells it. */
export class Trail {
  readonly #name: string;
  readonly #operation: Operation;
  readonly #scope: OperationScope;
  readonly #visits = new Map<Address, Visit>();
  #last: AttemptFailure | undefined;
  /** Of a write: an attempt may have been applied, and only another one's answer can tell. */
  #isInDoubt = false;

  constructor(name: string, operation: Operation, scope: OperationScope) {
    this.#name = name;
    this.#operation = operation;
    this.#scope = scope;
  }

  add(address: Address, failure: AttemptFailure): void {
    this.#last = failure;
    if (this.#operation === 'write' && !failure.refused) this.#isInDoubt = true;
    const visit = this.#visits.get(address);
    if (visit === undefined) {
      this.#visits.set(address, { count: 1, last: failure });
    } else {
      visit.count += 1;
      visit.last = failure;
    }
  }

  /** The error, when every endpoint is one that no retry can help: only the user can. */
  hopeless(): DEngineError | undefined {
    const names = new Set([...this.#visits.values()].map(({ last }) => last.error.name));
    const [name] = names;
    if (names.size !== 1) return undefined;
    if (name === 'WrongCluster') {
      return this.#error(name, `no endpoint belongs to the cluster${this.#told()}`);
    }
    return name === 'TlsFailed'
      ? this.#error(name, `no endpoint is safe${this.#told()}`)
      : undefined;
  }

  /** The last attempt's failure is final. */
  failed(address: Address, failure: AttemptFailure): DEngineError {
    const { error } = failure;
    const uncertain = this.#operation === 'write' && !failure.refused;
    const advice = uncertain ? '; the write may have been applied: read before writing again' : '';
    return this.#error(error.name, `${error.message} (${address})${advice}`);
  }

  /** The caller's signal or the close ended it while nothing was under way. */
  interrupted(interruption: 'aborted' | 'closed'): DEngineError {
    const what = interruption === 'aborted' ? 'aborted by the caller' : 'the client is closed';
    const name = interruption === 'aborted' ? 'DeadlineExceeded' : 'Stopped';
    const cause: unknown = interruption === 'aborted' ? this.#scope.signal?.reason : undefined;
    const changed = this.#isInDoubt ? '' : '; nothing was changed';
    return this.#error(name, `${what}${changed}${this.#told()}`, cause);
  }

  /** The time is over, or what is left of it is too short for another attempt. */
  expired(): DEngineError {
    const name = this.#expiredName();
    const isKnown = this.#operation === 'write' && !this.#isInDoubt;
    const changed = isKnown ? '; nothing was written' : '';
    const text = `no member could serve it within ${this.#scope.deadlineMs} ms${changed}`;
    return this.#error(name, `${text}${this.#told()}`);
  }

  #expiredName(): ErrorName {
    const last = this.#last?.error;
    if (last?.name === 'RateLimited') return last.name;
    const silent =
      last === undefined || last.name === 'ConnectionTimeout' || last.name === 'DeadlineExceeded';
    return silent && this.#operation === 'read' ? 'DeadlineExceeded' : 'ClusterUnavailable';
  }

  #error(wanted: ErrorName, text: string, cause?: unknown): DEngineError {
    const last = this.#last?.error;
    const isDoubtNew = this.#isInDoubt && errorRegistry[wanted].applied === 'never';
    const name = isDoubtNew ? 'ProposeFailed' : wanted;
    const doubt = isDoubtNew ? '; an attempt may have been applied: read before writing again' : '';
    return new DEngineError(name, `${this.#name}: ${text}${doubt}`, {
      leader: last?.leader,
      retryAfterMs: last?.retryAfterMs,
      cause: cause ?? last,
    });
  }

  #told(): string {
    const told = [...this.#visits].map(([address, { count, last }]) => {
      const times = count === 1 ? '' : ` (${count} times)`;
      return `${address}${times}: ${last.error.message}`;
    });
    return told.length === 0 ? '' : `. Tried ${told.join('; ')}`;
  }
}
