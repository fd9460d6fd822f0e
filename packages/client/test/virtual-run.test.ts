import { DEngineError, decodeWriteCommand, type IncomingCall, type Service } from '@d-engine/base';
import { drawOptions, type SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import {
  decodeClientWriteRequest,
  encodeClientResponse,
  encodeNodeStatus,
  methods,
  toFailure,
} from '@d-engine/wire';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { createClient } from '../src/index.ts';
import { memberStatus } from './member-status.ts';

const names = ['n1', 'n2', 'n3'];
const writesPerRun = 60;

interface Tally {
  /** How often each value was applied. */
  readonly applied: Map<string, number>;
  readonly acknowledged: Set<string>;
  /** Failed, and the error said that it cannot have been applied. */
  readonly refused: Set<string>;
  readonly fingerprint: string;
}

/**
 * Members that agree by magic: one of them leads and applies writes at once, the others know who,
 * or think that they do. Connections break, links are cut, members die and come back.
 */
async function runOnce(seed: number): Promise<Tally> {
  const world = new VirtualWorld({ ...drawOptions(seed), seed });
  const random = world.random('faults');
  const applied = new Map<string, number>();
  const cluster: { leader: string | undefined; rumour: string } = { leader: 'n1', rumour: 'n1' };
  const serve = async (name: string): Promise<void> => {
    const service = memberService(name, cluster, applied);
    await world.host(name).env.network.listen(`${name}:9081`, service);
  };
  await world.complete(Promise.all(names.map(serve)));
  startFaults(world, random, cluster, serve);
  const client = createClient({
    ...world.host('client').env,
    endpoints: names.map((name) => `${name}:9081`),
    deadlineMs: 2_000,
    connectTimeoutMs: 500,
  });
  const acknowledged = new Set<string>();
  const refused = new Set<string>();
  for (let write = 0; write < writesPerRun; write++) {
    const value = `value ${write}`;
    const outcome = await world.complete(client.put('key', value).catch(asError));
    if (!(outcome instanceof DEngineError)) acknowledged.add(value);
    else if (!outcome.mayHaveBeenApplied) refused.add(value);
  }
  return { applied, acknowledged, refused, fingerprint: world.fingerprint() };
}

function asError(error: unknown): DEngineError {
  if (error instanceof DEngineError) return error;
  throw error;
}

function memberService(
  name: string,
  cluster: { leader: string | undefined; rumour: string },
  applied: Map<string, number>,
): Service {
  const onCall = (call: IncomingCall): void => {
    if (call.method === methods.status) return call.reply(encodeNodeStatus(memberStatus()));
    if (cluster.leader !== name) {
      const leader = { id: 1, address: `${cluster.rumour}:9081` };
      return call.fail(toFailure(new DEngineError('NotLeader', 'not here', { leader })));
    }
    const command = decodeWriteCommand(decodeClientWriteRequest(call.request).command);
    const value = command.type === 'put' ? Buffer.from(command.value).toString() : '';
    applied.set(value, (applied.get(value) ?? 0) + 1);
    call.reply(encodeClientResponse({ type: 'write', succeeded: true, revision: applied.size }));
  };
  const onStream = (): never => {
    throw new Error('no streams here');
  };
  return { onCall, onStream };
}

function startFaults(
  world: VirtualWorld,
  random: SeededRandom,
  cluster: { leader: string | undefined; rumour: string },
  serve: (name: string) => Promise<void>,
): void {
  const elect = (): void => {
    cluster.rumour = cluster.leader ?? random.pick(names);
    cluster.leader = random.chance(0.3) ? undefined : random.pick(names);
    world.after(random.between(5, 400), elect);
  };
  const harm = (): void => {
    const name = random.pick(names);
    const host = world.host(name);
    if (random.chance(0.5)) {
      world.cut('client', name, 'both');
      world.after(random.between(10, 1_500), () => world.heal('client', name));
    } else if (host.alive) {
      host.crash();
      world.after(random.between(10, 500), () => {
        host.restart();
        serve(name).catch((error: unknown) => {
          throw error;
        });
      });
    }
    world.after(random.between(20, 800), harm);
  };
  world.after(10, elect);
  world.after(15, harm);
}

describe('in the virtual environment', () => {
  const seeds = Array.from({ length: scaled({ gate: 25, long: 1_000 }) }, (_, index) => index + 1);

  it('each write is applied as often as its caller was told', async () => {
    let acknowledged = 0;
    const lies: string[] = [];
    for (const seed of seeds) {
      const run = await runOnce(seed);
      acknowledged += run.acknowledged.size;
      for (let write = 0; write < writesPerRun; write++) {
        const value = `value ${write}`;
        const count = run.applied.get(value) ?? 0;
        const least = run.acknowledged.has(value) ? 1 : 0;
        const most = run.refused.has(value) ? 0 : 1;
        if (count < least || count > most) lies.push(`seed ${seed}, ${value}: ${count} times`);
      }
    }
    expect(lies).toEqual([]);
    // Whoever refuses everything is safe, too.
    expect(acknowledged).toBeGreaterThan((seeds.length * writesPerRun) / 2);
  });

  it('the same seed goes the same way', async () => {
    expect((await runOnce(7)).fingerprint).toBe((await runOnce(7)).fingerprint);
    expect((await runOnce(8)).fingerprint).not.toBe((await runOnce(7)).fingerprint);
  });
});
