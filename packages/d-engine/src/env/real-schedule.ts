import type { Schedule } from '@d-engine/base';

export class RealSchedule implements Schedule {
  /** The phase after polling: sockets, files and timers had their turn when it comes. */
  afterPoll(callback: () => void): void {
    setImmediate(callback);
  }
}
