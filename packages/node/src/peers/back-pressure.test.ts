import type { Failure, IncomingStream, StreamHandler } from '@d-engine/base';
import { limits } from '@d-engine/base';
import type { Hello, PeerFrame } from '@d-engine/wire';
import { encodePeerFrame } from '@d-engine/wire';
import { describe, expect, test } from 'vitest';
import { helloOf } from '../testing/hello-of.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { PeerLink } from './peer-link.ts';
import { PeerSession } from './peer-session.ts';

/** One end of a stream to node 2, which reads only when the test says so. */
class SlowPeer {
  waitingBytes = 0;
  dropped = 0;
  reads = true;
  resets: Failure[] = [];
  readonly stream = {
    send: (message: Uint8Array): boolean => {
      this.waitingBytes += message.length;
      if (this.reads) this.waitingBytes = 0;
      return this.waitingBytes < 1_048_576;
    },
    end: () => undefined,
    reset: (failure: Failure) => void this.resets.push(failure),
  } as unknown as IncomingStream;
  readonly observer = {
    ownHello: (): Hello => helloOf(1),
    check: () => undefined,
    record: () => Promise.resolve(undefined),
    onUp: () => undefined,
    onFrame: () => undefined,
    onDropped: () => {
      this.dropped += 1;
    },
    onRefused: () => undefined,
    onDown: () => undefined,
  };
  handler!: StreamHandler;

  async dial(): Promise<PeerLink> {
    const openStream = (_: string, handler: StreamHandler): IncomingStream => {
      this.handler = handler;
      return this.stream;
    };
    const link = new PeerLink({
      peer: { id: 2, address: 'n2:1' },
      plane: 'data',
      channel: { openStream } as unknown as ConstructorParameters<typeof PeerLink>[0]['channel'],
      clock: new ManualClock(),
      random: { float: () => 0.5, bytes: (length) => new Uint8Array(length) },
      observer: this.observer,
    });
    link.start();
    await this.#greet();
    return link;
  }

  async accept(): Promise<PeerSession> {
    const session = new PeerSession(this.stream, 'data', new ManualClock(), this.observer);
    this.handler = session;
    await this.#greet();
    return session;
  }

  async #greet(): Promise<void> {
    this.handler.onMessage(encodePeerFrame('data', helloOf(2)));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function forwardOf(commandBytes: number): PeerFrame {
  const command = new Uint8Array(commandBytes);
  return { type: 'forwardWrite', forwardId: 1, command, deadlineMs: 1_000, session: undefined };
}

const forward = forwardOf(1_000_000);

function fill(end: PeerLink | PeerSession, commandBytes: number): void {
  const frame = forwardOf(commandBytes);
  for (let count = 0; end.send(frame); count++) expect(count).toBeLessThan(100_000);
}

describe.each(['link', 'session'] as const)('a %s to a peer that does not read', (kind) => {
  const open = (peer: SlowPeer): Promise<PeerLink | PeerSession> =>
    kind === 'link' ? peer.dial() : peer.accept();

  test('holds what Raft may have under way and some more, and drops the rest', async () => {
    const peer = new SlowPeer();
    const end = await open(peer);
    peer.reads = false;
    const sent = Array.from({ length: 1_000 }, () => end.send(forward));
    const taken = sent.filter((wasSent) => wasSent).length;
    expect(taken * 1_000_000).toBeGreaterThan(limits.inflightBytesMax);
    expect(peer.waitingBytes).toBeGreaterThan(limits.inflightBytesMax);
    expect(peer.waitingBytes).toBeLessThan(limits.peerWaitingBytesMax + 2 * 1_048_576);
    expect(sent.lastIndexOf(true)).toBe(taken - 1);
    expect(peer.dropped).toBe(sent.length - taken);
  });

  test('sends again once the peer has caught up', async () => {
    const peer = new SlowPeer();
    const end = await open(peer);
    peer.reads = false;
    fill(end, 1_000_000);
    peer.reads = true;
    peer.handler.onDrain?.();
    expect(Array.from({ length: 100 }, () => end.send(forward))).not.toContain(false);
    expect(peer.resets).toEqual([]);
  });

  test('ends when news of this member cannot be told', async () => {
    const peer = new SlowPeer();
    const end = await open(peer);
    peer.reads = false;
    fill(end, 1_000_000);
    fill(end, 0);
    end.announce();
    expect(peer.resets).toHaveLength(1);
    expect(end.send(forward)).toBe(false);
  });
});
