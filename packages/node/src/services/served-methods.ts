import type { Clock, DEngineError, Logger, NodeStatus } from '@d-engine/base';
import type { SnapshotReader } from '@d-engine/storage';
import { methods, ServerReflection } from '@d-engine/wire';
import type { MemberParts } from '../member-parts.ts';
import type { ReadRequest } from '../reads.ts';
import { ClientCalls } from './client-calls.ts';
import { ClusterCalls } from './cluster-calls.ts';
import { Health } from './health.ts';
import { MemberCalls } from './member-calls.ts';
import { MemberService } from './member-service.ts';
import { MembershipStream } from './membership-stream.ts';
import { SnapshotSaves } from './snapshot-saves.ts';
import { WatchStream } from './watch-stream.ts';

/** What the services ask of the member as a whole. */
export interface ServedMember {
  status(): NodeStatus;
  isReady(): boolean;
  submitRead(request: ReadRequest): DEngineError | undefined;
  openSnapshot(): Promise<SnapshotReader>;
}

/** Every method that a member serves on its port, and who answers it. */
export function servedMethods(
  member: ServedMember,
  parts: MemberParts,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): MemberService {
  const { writes, checks, leadership, watches, snapshots, transport } = parts;
  const submitRead = (request: ReadRequest): DEngineError | undefined => member.submitRead(request);
  const clientCalls = new ClientCalls({ writes, submitRead, checks, leadership });
  const clusterCalls = new ClusterCalls({ status: () => member.status() });
  const memberCalls = new MemberCalls({
    changes: parts.membership.changes,
    leadership,
    clusterId: () => member.status().clusterId,
  });
  const health = new Health({ clock, isReady: () => member.isReady() });
  const saves = new SnapshotSaves({
    open: () => member.openSnapshot(),
    onSaved: () => snapshots.metrics.saved.add(),
  });
  return new MemberService({
    handlers: new Map([
      ...clientCalls.handlers(),
      ...clusterCalls.handlers(),
      ...memberCalls.handlers(),
      [methods.healthCheck, (call) => health.check(call)],
    ]),
    streams: new Map([
      [methods.healthWatch, (stream) => health.watch(stream)],
      [methods.watch, (stream) => new WatchStream(stream, watches)],
      [methods.watchMembership, (stream) => new MembershipStream(stream, watches.membership)],
      [methods.saveSnapshot, (stream) => saves.take(stream)],
      [methods.reflection, (stream) => new ServerReflection(stream)],
      [methods.reflectionAlpha, (stream) => new ServerReflection(stream)],
    ]),
    transport,
    logger,
  });
}
