import type { Refusal } from './hello-check.ts';
import type { TransportObserver } from './transport.ts';

const notNow: Refusal = {
  reason: 'malformed',
  name: 'Stopped',
  message: 'the member has failed and is stopping',
};

/**
 * The observer, with every defect that it throws handed to `onFailure`: streams call it from the
 * event loop, where a throw would end the host's process instead of stopping this member.
 */
export function guardedObserver(
  observer: TransportObserver,
  onFailure: (error: unknown) => void,
): TransportObserver {
  const guard = <T>(action: () => T, otherwise: T): T => {
    try {
      return action();
    } catch (error) {
      onFailure(error);
      return otherwise;
    }
  };
  return {
    ownHello: () => observer.ownHello(),
    check: (hello, expected, certificate) =>
      guard(() => observer.check(hello, expected, certificate), notNow),
    record: (hello) => guard(() => observer.record(hello), Promise.resolve(notNow)),
    onRaftMessage: (sender, message) =>
      guard(() => observer.onRaftMessage(sender, message), undefined),
    onForwardFrame: (from, frame, reply) =>
      guard(() => observer.onForwardFrame(from, frame, reply), undefined),
    onSnapshotFrame: (sender, frame, reply) =>
      guard(() => observer.onSnapshotFrame(sender, frame, reply), undefined),
    onDivergenceFrame: (sender, frame) =>
      guard(() => observer.onDivergenceFrame(sender, frame), undefined),
    onLinkUp: (peer, plane) => guard(() => observer.onLinkUp(peer, plane), undefined),
    onLinkDown: (peer, plane) => guard(() => observer.onLinkDown(peer, plane), undefined),
    onRefused: (peer, refusal) => guard(() => observer.onRefused(peer, refusal), undefined),
  };
}
