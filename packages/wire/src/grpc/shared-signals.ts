import type { ClientCall } from './client-call.ts';

interface Watched {
  readonly calls: Set<ClientCall>;
  readonly onAbort: () => void;
}

/** One signal may stand for any number of calls: it gets one listener of a channel, not one each. */
export class SharedSignals {
  readonly #watched: Map<AbortSignal, Watched> = new Map();

  add(signal: AbortSignal, call: ClientCall): void {
    const watched = this.#watched.get(signal);
    if (watched !== undefined) {
      watched.calls.add(call);
      return;
    }
    const calls = new Set([call]);
    const onAbort = (): void => {
      for (const aborted of [...calls]) aborted.aborted();
    };
    this.#watched.set(signal, { calls, onAbort });
    signal.addEventListener('abort', onAbort, { once: true });
  }

  delete(signal: AbortSignal, call: ClientCall): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined) return;
    watched.calls.delete(call);
    if (watched.calls.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener('abort', watched.onAbort);
  }
}
