import { expect, test } from 'vitest';
import { guardedObserver } from './guarded-observer.ts';
import type { TransportObserver } from './transport.ts';

const broken = (): never => {
  throw new Error('a defect');
};

test('a defect in what peers call stops the member, not the process', async () => {
  const failures: unknown[] = [];
  const observer: TransportObserver = {
    ownHello: broken,
    check: broken,
    record: broken,
    onRaftMessage: broken,
    onForwardFrame: broken,
    onSnapshotFrame: broken,
    onDivergenceFrame: broken,
    onLinkUp: broken,
    onLinkDown: broken,
    onRefused: broken,
  };
  const guarded = guardedObserver(observer, (error) => failures.push(error));
  guarded.onLinkUp({ nodeId: 2, instanceId: 'i', bootCount: 1 }, 'control');
  guarded.onLinkDown(2, 'data');
  guarded.onRefused(2, { name: 'MemberRefused', message: 'no', byPeer: true });
  const hello = {} as Parameters<TransportObserver['check']>[0];
  expect(guarded.check(hello, 2)?.name).toBe('Stopped');
  expect((await guarded.record(hello))?.name).toBe('Stopped');
  expect(failures.length).toBe(5);
});
