import { limits } from '@d-engine/base';
import type { Bounds } from './bounds.ts';
import { describeDeadKey } from './describe-effect.ts';
import { formatHostPort, parseHostPort } from './host-port.ts';
import type { Member } from './member.ts';
import { describeRoleStatusTable, standingOf } from './member-role.ts';
import { nearestName } from './nearest-name.ts';
import {
  type ReadContext,
  readAddress,
  readInteger,
  readText,
  structureOf,
  wrongType,
} from './read-scalar.ts';
import { describeNode, type SettingNode, type TableNode } from './setting-node.ts';

const memberKeys = ['id', 'address', 'role', 'status', 'ip', 'port', 'name'] as const;
const expected = 'an array of members { id, address, role, status }';
const idBounds: Bounds = { minimum: 1, maximum: 4_294_967_295 };
const portBounds: Bounds = { minimum: 1, maximum: 65_535 };
const roleBounds: Bounds = { minimum: 0, maximum: 255 };

/** Reads every member before it gives up, so that all mistakes are reported. */
export function readMembers(
  node: SettingNode,
  context: ReadContext,
): readonly Member[] | undefined {
  const array = structureOf(node);
  if (array?.kind !== 'array') return wrongType(node, expected, context);
  const { key, findings } = context;
  if (array.items.length === 0) return wrongType(node, 'at least one member', context);
  if (array.items.length > limits.membersMax) {
    return wrongType(node, `at most ${limits.membersMax} members`, context);
  }
  const members: Member[] = [];
  let warned = false;
  for (const item of array.items) {
    if (item.kind !== 'table') {
      const message = `each item of ${key} must be a member { id, address, role, status }`;
      findings.problem(`${message}, not ${describeNode(item)}`, { origin: item.origin, key });
      continue;
    }
    const name = item.entries.get('name');
    if (name !== undefined && !warned) {
      findings.warn(describeDeadKey(`${key}.name`, undefined, name.origin));
      warned = true;
    }
    const member = readMember(item, context);
    if (member === undefined) continue;
    const twin = members.find(({ id, address }) => id === member.id || address === member.address);
    if (twin !== undefined) {
      const same = twin.id === member.id ? `id ${member.id}` : `address ${member.address}`;
      findings.problem(`two members of ${key} have the ${same}`, { origin: item.origin, key });
    }
    members.push(member);
  }
  return members.length === array.items.length ? members : undefined;
}

function readMember(table: TableNode, context: ReadContext): Member | undefined {
  // A misspelt key would be reported again as a missing one.
  if (reportUnknown(table, context)) return undefined;
  const id = readPart(table, 'id', idBounds, context);
  if (!table.entries.has('id')) incomplete(table, 'an id', context);
  const address = readMemberAddress(table, context);
  const role = readPart(table, 'role', roleBounds, context);
  const status = readPart(table, 'status', roleBounds, context);
  const broken =
    (role === undefined && table.entries.has('role')) ||
    (status === undefined && table.entries.has('status'));
  if (broken || id === undefined) return undefined;
  const standing = standingOf(role, status);
  if (standing === undefined) {
    const pair = `role ${role ?? '(none)'} with status ${status ?? '(none)'} of member ${id}`;
    const { key, findings } = context;
    findings.problem(`${pair} has no certain meaning; known are: ${describeRoleStatusTable()}`, {
      origin: table.origin,
      key,
    });
    return undefined;
  }
  return address === undefined ? undefined : { id, address, ...standing };
}

function incomplete(table: TableNode, missing: string, { key, findings }: ReadContext): undefined {
  findings.problem(`a member of ${key} needs ${missing}`, { origin: table.origin, key });
  return undefined;
}

function reportUnknown(table: TableNode, { key, findings }: ReadContext): boolean {
  let reported = false;
  for (const [name, part] of table.entries) {
    if (memberKeys.some((known) => known === name)) continue;
    reported = true;
    const nearest = nearestName(name, memberKeys);
    const advice =
      nearest === undefined
        ? 'a member knows id, address, role, status'
        : `the nearest known key is ${nearest}`;
    findings.problem(`unknown config key ${key}.${name}; ${advice}`, {
      origin: part.origin,
      key: `${key}.${name}`,
    });
  }
  return reported;
}

function readPart(
  table: TableNode,
  name: (typeof memberKeys)[number],
  bounds: Bounds,
  { key, findings }: ReadContext,
): number | undefined {
  const node = table.entries.get(name);
  if (node === undefined) return undefined;
  return readInteger(node, bounds, false, { key: `${key}.${name}`, findings });
}

/** `address`, or `ip` and `port` as v0.1.2 had them. */
function readMemberAddress(table: TableNode, context: ReadContext): string | undefined {
  const { key, findings } = context;
  const address = table.entries.get('address');
  const ip = table.entries.get('ip');
  if (address !== undefined && ip === undefined && !table.entries.has('port')) {
    return readAddress(address, { key: `${key}.address`, findings });
  }
  if (address !== undefined || ip === undefined || !table.entries.has('port')) {
    return incomplete(table, 'an address, or else ip and port', context);
  }
  const host = readText(ip, { key: `${key}.ip`, findings });
  const port = readPart(table, 'port', portBounds, context);
  if (host === undefined || port === undefined) return undefined;
  const text = formatHostPort({ host, port });
  if (parseHostPort(text) !== undefined) return text;
  return wrongType(ip, 'an IP address or a host name', { key: `${key}.ip`, findings });
}
