import type { Clock } from '@d-engine/base';
import type { RaftView } from '@d-engine/raft';

/** How often it looks whether anybody is left. */
const lookIntervalMs = 20;

/**
 * A planned stop costs no election timeout: another voter takes over at once. Resolves when there
 * is another leader, when nobody can take over, or when the time is up.
 */
export async function handOver(options: {
  readonly raft: RaftView;
  readonly clock: Clock;
  readonly limitMs: number;
  /** False: there is nobody to take over. */
  readonly begin: () => boolean;
  /** Whether any other voter is connected: none is when all members are stopped at once. */
  readonly reachesVoter: () => boolean;
  /** Calls back at every change of the known leader; returns how to stop that. */
  readonly onLeaderChange: (listener: () => void) => () => void;
}): Promise<void> {
  const { raft, clock } = options;
  if (raft.role !== 'leader' || !options.begin()) return;
  await new Promise<void>((resolve) => {
    const giveUpAtMs = clock.monotonicMs() + options.limitMs;
    const look = (): void => {
      if (clock.monotonicMs() >= giveUpAtMs || !options.reachesVoter()) done();
      else timer = clock.setTimer(lookIntervalMs, look);
    };
    let timer = clock.setTimer(lookIntervalMs, look);
    const unsubscribe = options.onLeaderChange(() => {
      if (raft.role !== 'leader' && raft.leaderId !== null) done();
    });
    function done(): void {
      timer.cancel();
      unsubscribe();
      resolve();
    }
  });
}
