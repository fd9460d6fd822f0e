import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const hub = 'packages/node/src/watch/watch-hub.ts';
const watcher = 'packages/node/src/watch/watcher.ts';

/** Watches of keys (design rule 12). */
export const bugsOfWatches: readonly PlantedBug[] = [
  {
    name: 'a watcher that lags skips events',
    breaks: 'overflow cancels a watcher, it never skips (rule 12)',
    edits: [
      {
        file: hub,
        find: 'if (lag !== undefined) (lag >= watcherEventsMax ? overflowed : touched).push(watcher);',
        replace: `if (lag !== undefined && lag >= watcherEventsMax) {
          ${reached};
          return;
        }
        if (lag !== undefined) touched.push(watcher);`,
      },
    ],
    foundBy: ['watches miss nothing'],
  },
  {
    name: 'a resumed watch loses one revision',
    breaks: 'a watch goes on right above its token (rule 12)',
    edits: [
      {
        file: watcher,
        find: 'const number = this.#home.ring.firstAbove(token.revision);',
        replace: `${reached};
    const number = this.#home.ring.firstAbove(token.revision + 1);`,
      },
    ],
    foundBy: ['watches miss nothing'],
  },
  {
    name: 'the floor is too low after a snapshot',
    breaks: 'what led to a loaded snapshot is not known (rule 12)',
    edits: [
      {
        file: hub,
        find: 'this.ring.reset(state.revision);',
        replace: `${reached};
    this.ring.reset(this.ring.floor);`,
      },
    ],
    foundBy: ['watches miss nothing'],
  },
  {
    name: 'a replay goes on behind what was dropped',
    breaks: 'a watcher whose events are gone is canceled (rule 12)',
    edits: [
      {
        file: watcher,
        find: `this.#home.onOverflow(this);
      return undefined;`,
        replace: `${reached};
      phase.number = ring.first;`,
      },
    ],
    foundBy: ['watches miss nothing'],
  },
  {
    name: 'progress goes before the events that it stands for',
    breaks: 'progress r says that all up to r was delivered to this watcher (rule 12)',
    edits: [
      {
        file: watcher,
        find: "return type === 'live' && this.pendingCount === 0 && this.#ready === undefined;",
        replace: `if (this.pendingCount > 0) ${reached};
    return type === 'live' && this.#ready === undefined;`,
      },
    ],
    foundBy: ['watches miss nothing'],
  },
  {
    name: 'a watch ahead of the state begins at the state',
    breaks: 'a member that is behind the token waits until it is not (rule 12)',
    edits: [
      {
        file: hub,
        find: 'return this.#historyId === null || revision > this.#options.state.revision;',
        replace: `if (revision > this.#options.state.revision) ${reached};
    return this.#historyId === null;`,
      },
    ],
    foundBy: ['watches miss nothing'],
  },
  {
    name: 'the client resumes a watch where it began',
    breaks: 'each event is told once (rule 12)',
    edits: [
      {
        file: 'packages/client/src/watch/watch-protocol.ts',
        find: `    this.#after = token;
    return { batch: { type: 'events', token, events } };`,
        replace: `    ${reached};
    return { batch: { type: 'events', token, events } };`,
      },
    ],
    foundBy: ['watches miss nothing'],
  },
];
