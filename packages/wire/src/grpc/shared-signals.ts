/** Who gives up when its caller's signal says so. */
export interface Abortable {
  aborted(): void;
}

interface Watched {
  readonly calls: Set<Abortable>;
  readonly onAbort: () => void;
}

/** One signal may stand for any number of calls: a channel listens to it once, not for each. */
export class SharedSignals {
  readonly #watched: Map<AbortSignal, Watched> = new Map();

  add(signal: AbortSignal, call: Abortable): void {
    const watched = this.#watched.get(signal);
    if (watched !== undefined) {
      watched.calls.add(call);
      return;
    }
    const calls = new Set<Abortable>([call]);
    const onAbort = (): void => {
      for (const aborted of [...calls]) aborted.aborted();
    };
    this.#watched.set(signal, { calls, onAbort });
    signal.addEventListener('abort', onAbort, { once: true });
  }

  delete(signal: AbortSignal, call: Abortable): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined) return;
    watched.calls.delete(call);
    if (watched.calls.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener('abort', watched.onAbort);
  }
}
