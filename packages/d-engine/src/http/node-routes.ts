import type { LeaderHint, NodeStatus } from '@d-engine/base';
import type { HealthReport, WatchOpener } from '@d-engine/node';
import { reachableAddress } from './address.ts';
import type { MemberChanger } from './member-routes.ts';
import { type Answer, jsonAnswer, type Route } from './route.ts';

/** The node as HTTP sees it. All answers are local and at once. */
export interface HttpNode extends MemberChanger {
  status(): NodeStatus;
  health(): HealthReport;
  leaderHint(callerHost: string): LeaderHint | undefined;
  /** Where watches begin. */
  readonly watches: WatchOpener;
}

/** What this member says of itself. */
export function nodeRoutes(node: HttpNode): Route[] {
  return [
    get('/status', ({ callerHost }) => jsonAnswer(200, statusBody(node.status(), callerHost))),
    get('/primary', () => roleAnswer(node.status(), true)),
    get('/replica', () => roleAnswer(node.status(), false)),
    ...healthRoutes(node),
  ];
}

/** Served on the client port and on the metrics port. */
export function healthRoutes(node: HttpNode): Route[] {
  const ready = (): Answer => {
    const { live, ready } = node.health();
    return healthAnswer({ ...live, ...ready });
  };
  return [
    get('/live', () => healthAnswer(node.health().live)),
    get('/ready', ready),
    get('/health', ready),
  ];
}

export function metricsRoutes(renderMetrics: () => string): Route[] {
  return [
    get('/metrics', () => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: renderMetrics(),
    })),
  ];
}

function get(path: string, handle: Route['handle']): Route {
  return { method: 'GET', path, parameters: [], writes: false, handle };
}

/** For load balancers, which look at the status alone; a sick node is neither. */
function roleAnswer(status: NodeStatus, primary: boolean): Answer {
  const fits = status.condition === 'normal' && (status.role === 'leader') === primary;
  const { nodeId, role, condition } = status;
  return jsonAnswer(fits ? 200 : 503, { node_id: nodeId, role, condition });
}

function healthAnswer(checks: HealthReport['live']): Answer {
  const texts: Record<string, string> = {};
  let ok = true;
  for (const [name, check] of Object.entries(checks)) {
    texts[name] = check.ok ? 'ok' : check.reason;
    ok &&= check.ok;
  }
  return jsonAnswer(ok ? 200 : 503, { status: ok ? 'ok' : 'failing', checks: texts });
}

function statusBody(status: NodeStatus, callerHost: string): object {
  const { leader } = status;
  return {
    node_id: status.nodeId,
    cluster_id: status.clusterId,
    version: status.version,
    role: status.role,
    condition: status.condition,
    condition_reason: status.conditionReason,
    term: status.term,
    leader:
      leader === null
        ? null
        : { id: leader.id, address: reachableAddress(leader.address, callerHost) },
    commit_index: status.commitIndex,
    applied_index: status.appliedIndex,
    last_log_index: status.lastLogIndex,
    durable_index: status.durableIndex,
    revision: status.revision,
    members: status.members.map((member) => ({
      id: member.id,
      address: reachableAddress(member.address, callerHost),
      role: member.role,
      status: member.status,
      match_index: member.matchIndex,
      lag: member.lag,
      last_contact_ms: member.lastContactMs,
    })),
  };
}
