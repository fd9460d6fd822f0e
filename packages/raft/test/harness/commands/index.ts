import * as client from './client-commands.ts';
import * as cluster from './cluster-commands.ts';
import type { Command } from './command.ts';
import * as disk from './disk-commands.ts';
import { elect } from './elect.ts';
import * as expectations from './expect-commands.ts';
import * as hello from './hello-commands.ts';
import * as membership from './membership-commands.ts';
import * as messages from './message-commands.ts';
import * as prints from './print-commands.ts';
import * as snapshots from './snapshot-commands.ts';
import * as time from './time-commands.ts';

/** The language of the golden scripts; golden/README.md explains it. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['add-nodes', cluster.addNodes],
  ['disk', cluster.disk],
  ['start', cluster.start],
  ['crash', cluster.crash],
  ['stop', cluster.stop],
  ['strategy', cluster.strategy],
  ['restart', cluster.restart],
  ['wipe', cluster.wipe],
  ['partition', cluster.partition],
  ['heal', cluster.heal],
  ['hello', hello.hello],
  ['hello-from', hello.helloFrom],
  ['peer-lost', hello.peerLost],
  ['initial-members', hello.initialMembers],
  ['election-timeout', hello.electionTimeout],
  ['tick', time.tick],
  ['advance', time.advance],
  ['run', time.run],
  ['campaign', time.campaign],
  ['wall-jump', time.wallJump],
  ['random', time.random],
  ['elect', elect],
  ['deliver', messages.deliver],
  ['drop', messages.drop],
  ['duplicate', messages.duplicate],
  ['reorder', messages.reorder],
  ['stabilize', messages.stabilize],
  ['queue', messages.queue],
  ['expect-queue', messages.expectQueue],
  ['join-node', membership.joinNode],
  ['change', membership.change],
  ['members', membership.members],
  ['propose', client.propose],
  ['read', client.read],
  ['transfer', client.transfer],
  ['stop-leader', client.stopLeader],
  ['lease', client.lease],
  ['persist', disk.persist],
  ['persist-mode', disk.persistMode],
  ['apply', disk.apply],
  ['apply-mode', disk.applyMode],
  ['read-mode', disk.readMode],
  ['finish-read', disk.finishRead],
  ['snapshot', snapshots.snapshot],
  ['install', snapshots.install],
  ['snapshot-sent', snapshots.snapshotSent],
  ['snapshot-failed', snapshots.snapshotFailed],
  ['expect-transfers', snapshots.expectTransfers],
  ['status', prints.status],
  ['raft-log', prints.raftLog],
  ['hard-state', prints.hardState],
  ['progress', prints.progress],
  ['bindings', prints.bindings],
  ['expect', expectations.expectNode],
  ['expect-no-leader', expectations.expectNoLeader],
  ['expect-read', expectations.expectRead],
  ['expect-committed', expectations.expectCommitted],
]);
