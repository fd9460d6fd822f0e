import type { IncomingStream, NodeId } from '@d-engine/base';
import type { Hello, PeerFrame } from '@d-engine/wire';
import { decodePeerFrame, encodePeerFrame } from '@d-engine/wire';
import { describe, expect, test } from 'vitest';
import { helloOf } from '../testing/hello-of.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { Refusal } from './hello-check.ts';
import { refuseForRoom } from './hello-check.ts';
import { PeerLink } from './peer-link.ts';
import { PeerSession } from './peer-session.ts';

/** One end of a stream to node 2, at node 1, whose disk answers when the test says so. */
class Introduction {
  readonly clock = new ManualClock();
  readonly sent: PeerFrame[] = [];
  readonly ups: NodeId[] = [];
  readonly refusals: string[] = [];
  /** What `check` says from now on. */
  refusal: Refusal | undefined;
  isRecorded!: (outcome: Refusal | undefined) => void;
  hasFailed!: (error: Error) => void;
  recordings = 0;
  closed = 0;
  readonly stream: IncomingStream;
  readonly observer = {
    ownHello: (): Hello => helloOf(1),
    check: (): Refusal | undefined => this.refusal,
    record: (): Promise<Refusal | undefined> => {
      this.recordings += 1;
      return new Promise((resolve, reject) => {
        this.isRecorded = resolve;
        this.hasFailed = reject;
      });
    },
    onUp: (_: unknown, hello: Hello): void => void this.ups.push(hello.nodeId),
    onFrame: (): void => undefined,
    onDropped: (): void => undefined,
    onDown: (): void => {
      this.closed += 1;
    },
  };

  constructor() {
    this.stream = {
      method: '',
      metadata: {},
      localHost: undefined,
      send: (message: Uint8Array) => void this.sent.push(decodePeerFrame('control', message)),
      end: () => undefined,
      reset: () => undefined,
    } as unknown as IncomingStream;
  }

  accept(): (hello: Hello) => void {
    const session = new PeerSession(this.stream, 'control', this.clock, {
      ...this.observer,
      onRefused: (_, { reason }) => void this.refusals.push(reason),
    });
    return (hello) => session.onMessage(encodePeerFrame('control', hello));
  }

  dial(): { link: PeerLink; hear: (hello: Hello) => void } {
    let hear: (message: Uint8Array) => void = () => undefined;
    const link = new PeerLink({
      peer: { id: 2, address: 'n2:1' },
      plane: 'control',
      channel: {
        openStream: (_: string, handler: { onMessage: typeof hear }) => {
          hear = (message) => handler.onMessage(message);
          return this.stream;
        },
        close: () => undefined,
      } as unknown as ConstructorParameters<typeof PeerLink>[0]['channel'],
      clock: this.clock,
      random: { float: () => 0.5, bytes: (length) => new Uint8Array(length) },
      observer: {
        ...this.observer,
        onRefused: (_, { name }) => void this.refusals.push(name),
      },
    });
    link.start();
    return { link, hear: (hello) => hear(encodePeerFrame('control', hello)) };
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const noRoom = refuseForRoom(helloOf(2), 1);
const otherCluster: Refusal = { reason: 'otherCluster', name: 'WrongCluster', message: '' };

describe('a stream that a peer opened', () => {
  test('is answered once the start of the peer is on disk, and not before', async () => {
    const at = new Introduction();
    const hear = at.accept();
    hear(helloOf(2));
    // News of the same start wait for the same write.
    hear(helloOf(2, { clusterId: 'c'.repeat(32), clusterFormedAtMs: 1 }));
    await turn();
    expect([at.sent, at.ups, at.recordings]).toEqual([[], [], 1]);
    at.isRecorded(undefined);
    await turn();
    expect([at.sent.map(({ type }) => type), at.ups]).toEqual([['hello'], [2]]);
  });

  test('is refused for want of room, and the peer told', async () => {
    const at = new Introduction();
    at.accept()(helloOf(2));
    at.isRecorded(noRoom);
    await turn();
    expect(at.sent).toMatchObject([{ type: 'helloRefused', name: 'DiskFull' }]);
    expect([at.ups, at.refusals, at.closed]).toEqual([[], ['noRoom'], 1]);
  });

  test('is refused when the peer became a stranger during the write', async () => {
    const at = new Introduction();
    at.accept()(helloOf(2));
    at.refusal = otherCluster;
    at.isRecorded(undefined);
    await turn();
    expect([at.ups, at.refusals]).toEqual([[], ['otherCluster']]);
  });

  test('is closed when another start speaks on it, or the disk fails', async () => {
    const one = new Introduction();
    const hear = one.accept();
    hear(helloOf(2));
    hear(helloOf(2, { bootCount: 2 }));
    one.isRecorded(undefined);
    const other = new Introduction();
    other.accept()(helloOf(2));
    other.hasFailed(new Error('the disk failed'));
    await turn();
    expect([one.ups, one.closed, other.ups, other.closed]).toEqual([[], 1, [], 1]);
  });
});

describe('a stream to a peer', () => {
  test('is up once the start of the peer is on disk, and not before', async () => {
    const at = new Introduction();
    const { link, hear } = at.dial();
    hear(helloOf(2));
    await turn();
    expect([link.isUp, at.ups]).toEqual([false, []]);
    at.isRecorded(undefined);
    await turn();
    expect([link.isUp, at.ups]).toEqual([true, [2]]);
    at.clock.advance(60_000);
    expect(at.closed).toBe(0);
  });

  test('tries again after a pause when there was no room', async () => {
    const at = new Introduction();
    const { link, hear } = at.dial();
    hear(helloOf(2));
    at.isRecorded(noRoom);
    await turn();
    expect([link.isUp, at.refusals, at.closed]).toEqual([false, ['DiskFull'], 1]);
    at.clock.advance(2_000);
    // The next stream: its hello is recorded anew.
    expect(at.sent.map(({ type }) => type)).toEqual(['hello', 'hello']);
  });

  test('is given up when the write takes too long; its late end changes nothing', async () => {
    const at = new Introduction();
    const { link, hear } = at.dial();
    hear(helloOf(2));
    at.clock.advance(5_000);
    expect(at.closed).toBe(1);
    at.isRecorded(undefined);
    await turn();
    expect([link.isUp, at.ups]).toEqual([false, []]);
  });

  test('tells what this member has become, also before it is up', () => {
    const at = new Introduction();
    const { link } = at.dial();
    link.announce();
    expect(at.sent.map(({ type }) => type)).toEqual(['hello', 'hello']);
  });
});
