import type { Env, MessageStream, Service, StreamHandler } from '@d-engine/base';
import type { VirtualHost, WorldOverrides } from '../src/index.ts';
import { VirtualWorld } from '../src/index.ts';

const names = ['n1', 'n2', 'n3'];
const port = 9081;

export interface ThreeHosts {
  readonly world: VirtualWorld;
  readonly counts: { received: number; answered: number; failed: number };
  readonly boot: (host: VirtualHost) => void;
}

/**
 * Three hosts that each send 30 messages a second on a stream to each of the two others, and once
 * a second make a call that writes to disk. The handlers await: promises are half of the load.
 */
export function startThreeHosts(seed: number | string, overrides: WorldOverrides = {}): ThreeHosts {
  const world = new VirtualWorld({ ...overrides, seed });
  const counts = { received: 0, answered: 0, failed: 0 };
  const boot = (host: VirtualHost): void => {
    runHost(host.env, host.name, counts).catch((error: unknown) => {
      world.note(host, String(error));
    });
  };
  for (const name of names) {
    const host = world.host(name);
    world.after(0, () => boot(host));
  }
  return { world, counts, boot };
}

async function runHost(env: Env, name: string, counts: ThreeHosts['counts']): Promise<void> {
  await env.disk.makeDirectory('/data');
  const isNew = !(await env.disk.exists('/data/log'));
  const file = await env.disk.open('/data/log', isNew ? 'create' : 'readWrite');
  let length = await file.size();
  const answer = async (request: Uint8Array): Promise<Uint8Array> => {
    const position = length;
    length += request.length;
    await file.writeAndSync(position, [request]);
    return env.random.bytes(4);
  };
  const service: Service = {
    onCall: (call) => {
      answer(call.request).then(
        (message) => call.reply(message),
        () => call.fail({ status: 'internal', message: 'the disk failed' }),
      );
    },
    onStream: () => countingHandler(env, counts),
  };
  await env.network.listen(`${name}:${port}`, service);
  for (const peer of names) if (peer !== name) talkTo(env, peer, counts);
}

function countingHandler(env: Env, counts: ThreeHosts['counts']): StreamHandler {
  const handle = async (message: Uint8Array): Promise<void> => {
    await Promise.resolve(message[0]);
    await new Promise<void>((resolve) => env.schedule.afterPoll(resolve));
    counts.received += 1;
  };
  return {
    onMessage: (message) => {
      handle(message).catch((error: unknown) => {
        throw error;
      });
    },
    onClose: () => undefined,
  };
}

function talkTo(env: Env, peer: string, counts: ThreeHosts['counts']): void {
  const channel = env.network.connect(`${peer}:${port}`);
  let stream: MessageStream | undefined;
  const sendAgain = (): void => {
    stream ??= channel.openStream('test.Peer/Talk', {
      onMessage: () => undefined,
      onClose: () => {
        stream = undefined;
      },
    });
    stream.send(env.random.bytes(64));
    env.clock.setTimer(1000 / 30, sendAgain);
  };
  const callAgain = (): void => {
    channel.call('test.Peer/Store', env.random.bytes(100), { deadlineMs: 500 }).then(
      () => {
        counts.answered += 1;
      },
      () => {
        counts.failed += 1;
      },
    );
    env.clock.setTimer(1000, callAgain);
  };
  sendAgain();
  callAgain();
}
