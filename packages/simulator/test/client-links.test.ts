import type { NodeId } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { beforeEach, describe, expect, test } from 'vitest';
import { AnswerWatch } from '../src/answer-watch.ts';
import { Counters } from '../src/counters.ts';
import { roomyLimits } from '../src/draw-variety.ts';
import type { Place } from '../src/faults/harms.ts';
import { cutsBetween, Harms } from '../src/faults/harms.ts';
import type { Command, Operation } from '../src/history/operation.ts';
import { networkTarget } from '../src/make-clients.ts';
import type { Target } from '../src/recorder.ts';
import { Recorder } from '../src/recorder.ts';
import { VirtualCluster } from '../src/virtual-cluster.ts';
import { quietScenario } from './three-members.ts';

const client = 'c0';
const read: Command = { type: 'read', consistency: 'linearizable' };

let world: VirtualWorld;
let cluster: VirtualCluster;
let harms: Harms;
let recorder: Recorder;
let counters: Counters;
let target: Target;
let violations: string[];
let writes: number;

beforeEach(async () => {
  const scenario = { ...quietScenario(1), transport: 'messages' as const };
  world = new VirtualWorld({ seed: 1, ...scenario.world });
  counters = new Counters();
  violations = [];
  writes = 0;
  cluster = new VirtualCluster(world, scenario, { onDeath: () => undefined });
  harms = new Harms(world, cluster);
  const watch = new AnswerWatch(world, (_check, text) => violations.push(text));
  const isCutOff = (host: string): boolean => harms.isCutOff(host);
  recorder = new Recorder({
    world,
    counters,
    watch,
    limits: roomyLimits,
    isCutOff,
    say: undefined,
  });
  target = networkTarget(world, cluster, client, counters);
  for (const id of cluster.ids) cluster.start(id);
  const isBound = (): boolean => cluster.ids.every((id) => cluster.memberships.isBound(id));
  await world.run({ until: isBound, limitMs: 20_000 });
  expect(await outcomeOf(write())).toBe('answered');
});

function write(): Command {
  writes += 1;
  return { type: 'put', value: `w${writes}` };
}

async function outcomeOf(command: Command): Promise<Operation['outcome']['type'] | undefined> {
  await world.complete(recorder.perform(client, target, 'k', command));
  return recorder.history.at(-1)?.outcome.type;
}

/** Cuts before each of the operations, and heals after it. */
async function outcomesBehind(
  ways: 'both' | 'toMembers' | 'fromMembers',
  members: readonly Place[],
  commands: readonly Command[],
): Promise<(string | undefined)[]> {
  const cuts =
    ways === 'fromMembers'
      ? cutsBetween(members, [client], 'one')
      : cutsBetween([client], members, ways === 'both' ? 'both' : 'one');
  harms.begin(cuts);
  const outcomes: (string | undefined)[] = [];
  for (const command of commands) outcomes.push(await outcomeOf(command));
  expect(harms.end(cuts)).toBe(true);
  return outcomes;
}

function leader(): NodeId {
  const id = cluster.leader?.settings.nodeId;
  if (id === undefined) throw new Error('nobody leads');
  return id;
}

describe('a client of which a link is cut', () => {
  test('goes on with the others when it is cut off from a follower', async () => {
    for (const follower of cluster.ids.filter((id) => id !== leader())) {
      const cuts = cutsBetween([client], [follower], 'both');
      harms.begin(cuts);
      for (let count = 0; count < 5; count++) {
        expect(await outcomeOf(write())).toBe('answered');
        expect(await outcomeOf(read)).toBe('answered');
      }
      harms.end(cuts);
    }
    expect(counters.get('answers past a cut link of the client')).toBe(20);
    expect(violations).toEqual([]);
  });

  test.each(['both', 'toMembers', 'fromMembers'] as const)(
    'reads from the others when it is cut off from the leader: %s',
    async (ways) => {
      expect(await outcomesBehind(ways, [leader()], [read, read])).toEqual([
        'answered',
        'answered',
      ]);
      expect(counters.get('answers past a cut link of the client')).toBe(2);
      expect(violations).toEqual([]);
    },
  );

  test.each(['both', 'toMembers', 'fromMembers'] as const)(
    'does not know what became of a write that it had sent: %s',
    async (ways) => {
      const [outcome] = await outcomesBehind(ways, cluster.ids, [write()]);
      expect(outcome).toBe('unknown');
      expect(counters.get('outcomes unknown behind a cut link')).toBe(1);
      await world.run({ forMs: 5_000 });
      // Whether it took effect is for the store to tell, and for nobody to guess.
      expect(await outcomeOf(read)).toBe('answered');
      expect(violations).toEqual([]);
    },
  );

  test('is answered again once the links heal', async () => {
    const outcomes = await outcomesBehind('both', cluster.ids, [write(), read, write()]);
    expect(outcomes).not.toContain('answered');
    await world.run({ forMs: 3_000 });
    expect(await outcomeOf(write())).toBe('answered');
    expect(await outcomeOf(read)).toBe('answered');
    expect(violations).toEqual([]);
  });
});
