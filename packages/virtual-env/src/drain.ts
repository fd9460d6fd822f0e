/**
 * How the pump lets promises settle between two events.
 *
 * `tick` waits for `process.nextTick` from inside a microtask. Node runs the tick queue only after
 * V8's microtask queue is empty, however long the chains in it are, and code under test may use
 * neither ticks nor timers; so when the tick comes, every promise that can settle has. It costs a
 * fifth of a macrotask (0.36 against 1.5 us) and no system call.
 *
 * `macrotask` goes once round the real event loop per event. Slower, same outcome (a test compares
 * the fingerprints); with it Node reports a rejection that nobody handled by the end of its turn
 * at that event and not up to {@link macrotaskEvery} events later.
 */
export type DrainMode = 'tick' | 'macrotask';

/**
 * Under `tick` the real loop gets a turn after this many events: test runners and signals need
 * one now and then, and unhandled rejections are reported only there.
 */
export const macrotaskEvery = 1024;

/** Calls `next`, which must not throw, in a microtask. Nothing is made anew for each event. */
export function afterTick(next: () => void): void {
  process.nextTick(inMicrotask, next);
}

/** The same, after a round of the real loop. */
export function afterMacrotask(next: () => void): void {
  setImmediate(inMicrotask, next);
}

const settled = Promise.resolve();

function inMicrotask(next: () => void): void {
  // It has settled, and never rejects.
  settled.then(next, next);
}
