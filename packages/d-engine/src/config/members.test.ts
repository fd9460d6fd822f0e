import { describe, expect, test } from 'vitest';
import type { Member } from './member.ts';
import { loadText, messagesOf } from './test-support.ts';

function withMembers(...members: readonly string[]): string {
  return `cluster.initial_cluster = [${members.map((member) => `{ ${member} }`).join(', ')}]`;
}

/** Members 1, always a plain voter, and 2 with the given keys. */
function secondMember(keys: string): Member | undefined {
  const toml = withMembers('id = 1, address = "a:1"', `id = 2, address = "b:1", ${keys}`);
  return loadText(toml).config.cluster.members[1];
}

describe('role and status', () => {
  test.each([
    [1, 2, 'voter', false],
    [1, 3, 'voter', false],
    [3, 3, 'voter', false],
    [4, 1, 'learner', true],
    [4, 2, 'learner', false],
  ])('role %d status %d: %s, promotable %s', (role, status, expectedRole, promotable) => {
    expect(secondMember(`role = ${role}, status = ${status}`)).toEqual({
      id: 2,
      address: 'b:1',
      role: expectedRole,
      promotable,
    });
  });

  const accepted = ['1,2', '1,3', '3,3', '4,1', '4,2'];
  const refused = [0, 1, 2, 3, 4, 5]
    .flatMap((role) => [0, 1, 2, 3, 4].map((status) => [role, status] as const))
    .filter((pair) => !accepted.includes(pair.join(',')));

  test.each(refused)('role %d status %d is refused with the table', (role, status) => {
    const messages = messagesOf(() => secondMember(`role = ${role}, status = ${status}`));
    expect(messages).toEqual([
      `role ${role} with status ${status} of member 2 has no certain meaning; known are: ` +
        'role 1 status 2 or 3: active voter; role 3 status 3: active voter; ' +
        'role 4 status 1: learner, to be promoted to voter; role 4 status 2: read-only learner; ' +
        'role 0, 1, 2 without status (v0.1.2): active voter',
    ]);
  });

  test.each([0, 1, 2])('role %d without a status, as v0.1.2 had it, votes', (role) => {
    expect(secondMember(`role = ${role}`)).toMatchObject({ role: 'voter', promotable: false });
  });

  test.each(['role = 3', 'role = 4', 'status = 2'])('%s alone is refused', (keys) => {
    expect(messagesOf(() => secondMember(keys))[0]).toContain('has no certain meaning');
  });
});

describe('members of v0.1.2', () => {
  test('have ip and port, and no status', () => {
    const toml = withMembers(
      'id = 1, ip = "127.0.0.1", port = 9081, role = 1',
      'id = 2, ip = "::1", port = 9082, role = 1',
    );
    expect(loadText(toml).config.cluster.members.map(({ address }) => address)).toEqual([
      '127.0.0.1:9081',
      '[::1]:9082',
    ]);
  });

  test('names are accepted with one warning', () => {
    const toml = withMembers(
      'id = 1, name = "n1", address = "127.0.0.1:1"',
      'id = 2, name = "n2", address = "127.0.0.1:2"',
    );
    expect(loadText(toml).warnings).toEqual([
      'config key cluster.initial_cluster.name is accepted but was never used; ' +
        'remove it (n1.toml:1)',
    ]);
  });
});

describe('a list that cannot be right is refused', () => {
  test.each([
    ['id twice', ['id = 1, address = "a:1"', 'id = 1, address = "a:2"'], 'have the id 1'],
    ['address twice', ['id = 1, address = "a:1"', 'id = 2, address = "a:1"'], 'the address a:1'],
    ['no id', ['address = "a:1"'], 'a member of cluster.initial_cluster needs an id'],
    ['no address', ['id = 1'], 'needs an address, or else ip and port'],
    ['ip alone', ['id = 1, ip = "a"'], 'needs an address, or else ip and port'],
    [
      'address and ip',
      ['id = 1, address = "a:1", ip = "a", port = 1'],
      'needs an address, or else',
    ],
    ['bad ip', ['id = 1, ip = "a b", port = 1'], 'must be an IP address or a host name'],
    ['bad port', ['id = 1, ip = "a", port = 0'], 'must be from 1 to 65535'],
    ['bad address', ['id = 1, address = "a"'], 'must be host:port'],
    ['id 0', ['id = 0, address = "a:1"'], 'must be from 1 to 4294967295'],
    ['text as role', ['id = 1, address = "a:1", role = "x", status = 2'], 'role must be a whole'],
    ['no self', ['id = 2, address = "a:1"'], 'does not list this node, cluster.node_id = 1'],
    ['no voter', ['id = 1, address = "a:1", role = 4, status = 1'], 'has no voter'],
  ])('%s', (_, members, text) => {
    const messages = messagesOf(() => loadText(withMembers(...members)));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(text);
  });

  test('nothing, or something else than members', () => {
    expect(messagesOf(() => loadText('cluster.initial_cluster = []'))[0]).toContain('at least one');
    expect(messagesOf(() => loadText('cluster.initial_cluster = [3]'))[0]).toContain('not 3');
    expect(messagesOf(() => loadText('cluster.initial_cluster = "a:1"'))[0]).toContain('an array');
  });

  test('more members than a cluster may have', () => {
    const many = Array.from(
      { length: 65 },
      (_, index) => `id = ${index + 1}, address = "h${index}:1"`,
    );
    expect(messagesOf(() => loadText(withMembers(...many)))[0]).toContain('at most 64 members');
  });

  test('every bad member is reported', () => {
    const toml = withMembers('id = 1, address = "a"', 'id = 2, address = "b"', 'address = "c:1"');
    expect(messagesOf(() => loadText(toml))).toHaveLength(3);
  });
});

describe('members as an array of tables', () => {
  test('are the same', () => {
    const toml =
      '[[cluster.initial_cluster]]\nid = 1\naddress = "a:1"\n' +
      '[[cluster.initial_cluster]]\nid = 2\naddress = "b:1"\n';
    expect(loadText(toml).config.cluster.members.map(({ id }) => id)).toEqual([1, 2]);
  });
});

describe('addresses', () => {
  test('a lone node is its own member at listen_address', () => {
    const toml = 'cluster.node_id = 5\ncluster.listen_address = "10.0.0.5:7000"';
    expect(loadText(toml).config.cluster.members).toEqual([
      { id: 5, address: '10.0.0.5:7000', role: 'voter', promotable: false },
    ]);
  });

  test('unspecified hosts beside real ones warn', () => {
    const mixed = withMembers('id = 1, address = "0.0.0.0:1"', 'id = 2, address = "10.0.0.2:1"');
    expect(loadText(mixed).warnings).toHaveLength(1);
    expect(loadText(mixed).warnings[0]).toContain('cluster.initial_cluster mixes 0.0.0.0');
    const six = withMembers('id = 1, address = "[::]:1"', 'id = 2, address = "host-2:1"');
    expect(loadText(six).warnings).toHaveLength(1);
  });

  test('unspecified hosts alone, or beside this host by another name, do not', () => {
    const alone = withMembers('id = 1, address = "0.0.0.0:1"', 'id = 2, address = "0.0.0.0:2"');
    const local = withMembers('id = 1, address = "0.0.0.0:1"', 'id = 2, address = "127.0.0.1:2"');
    for (const toml of [alone, local]) expect(loadText(toml).warnings).toEqual([]);
  });

  test('advertise_address must be one that somebody can call', () => {
    const { config } = loadText('cluster.advertise_address = "node-1.example:9081"');
    expect(config.cluster.advertiseAddress).toBe('node-1.example:9081');
    expect(messagesOf(() => loadText('cluster.advertise_address = "0.0.0.0:9081"'))).toEqual([
      'cluster.advertise_address = "0.0.0.0:9081" is no address that anybody can call',
    ]);
  });
});
