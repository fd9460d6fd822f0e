import type { Findings } from './findings.ts';
import { isLoopbackHost, isUnspecifiedHost, parseHostPort } from './host-port.ts';
import type { Member } from './member.ts';
import { type MergedSettings, pathOf } from './merged-settings.ts';
import type { ClusterConfig } from './node-config.ts';
import { clusterSection } from './sections/cluster.ts';
import { describeOrigin } from './setting-node.ts';

/** Who this node is and who its peers are; `dataDir` replaces the configured directory. */
export function settleCluster(
  merged: MergedSettings,
  dataDir: string | undefined,
  findings: Findings,
): ClusterConfig {
  const values = merged.section(clusterSection);
  const { nodeId, listenAddress, advertiseAddress } = values;
  const alone: Member = { id: nodeId, address: listenAddress, role: 'voter', promotable: false };
  const members = values.initialCluster ?? [alone];
  if (findings.sound(clusterSection)) {
    checkMembers(merged, nodeId, members, findings);
    checkAdvertised(merged, advertiseAddress, findings);
    warnOfMixedHosts(merged, members, findings);
  }
  return {
    nodeId,
    listenAddress,
    advertiseAddress,
    members,
    dbRootDir: dataDir ?? values.dbRootDir ?? `./db/${nodeId}`,
  };
}

function checkMembers(
  merged: MergedSettings,
  nodeId: number,
  members: readonly Member[],
  findings: Findings,
): void {
  const place = {
    origin: merged.originOf(clusterSection, 'initialCluster', 'nodeId'),
    key: pathOf(clusterSection, 'initialCluster'),
  };
  if (!members.some(({ id }) => id === nodeId)) {
    const ids = members.map(({ id }) => id).join(', ');
    const node = `${pathOf(clusterSection, 'nodeId')} = ${nodeId}`;
    findings.problem(`${place.key} (members ${ids}) does not list this node, ${node}`, place);
  }
  if (!members.some(({ role }) => role === 'voter')) {
    findings.problem(`${place.key} has no voter: nobody could ever lead`, place);
  }
}

function checkAdvertised(
  merged: MergedSettings,
  address: string | undefined,
  findings: Findings,
): void {
  const host = address === undefined ? undefined : parseHostPort(address)?.host;
  if (host === undefined || !isUnspecifiedHost(host)) return;
  const key = pathOf(clusterSection, 'advertiseAddress');
  findings.problem(`${key} = "${address}" is no address that anybody can call`, {
    origin: merged.originOf(clusterSection, 'advertiseAddress'),
    key,
  });
}

/** 0.0.0.0 is dialled as loopback, which is right only while all members share this host. */
function warnOfMixedHosts(
  merged: MergedSettings,
  members: readonly Member[],
  findings: Findings,
): void {
  const setting = merged.setting(clusterSection, 'initialCluster');
  if (setting === undefined) return;
  const hosts = members.map(({ address }) => parseHostPort(address)?.host ?? '');
  const unspecified = hosts.find(isUnspecifiedHost);
  const remote = hosts.find((host) => !isUnspecifiedHost(host) && !isLoopbackHost(host));
  if (unspecified === undefined || remote === undefined) return;
  const place = describeOrigin(setting.origin);
  findings.warn(
    `${setting.spelling} mixes ${unspecified}, which is dialled as this host, with ${remote}: ` +
      `give every member an address that the others can reach (${place})`,
  );
}
