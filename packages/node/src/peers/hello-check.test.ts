import type { Hello } from '@d-engine/wire';
import { expect, test } from 'vitest';
import type { HelloContext } from './hello-check.ts';
import { checkHello, isSameRun } from './hello-check.ts';

const own: Hello = {
  type: 'hello',
  protocolVersion: 1,
  clusterId: 'a'.repeat(32),
  clusterFormedAtMs: 5,
  nodeId: 1,
  instanceId: '1'.repeat(32),
  bootCount: 1,
  state: 'formed',
  initialVotersHash: 'hash',
  strategy: 'DiskFirst',
  recovering: false,
};
const theirs: Hello = { ...own, nodeId: 2, instanceId: '2'.repeat(32) };

function check(hello: Partial<Hello>, context: Partial<HelloContext> = {}) {
  return checkHello(
    { ...theirs, ...hello },
    {
      own,
      expectedNodeId: 2,
      isMember: () => true,
      hostsOf: (id) => [`n${id}.example`, '10.0.0.2'],
      verdict: () => 'accepted',
      ...context,
    },
  );
}

test('a member of the same cluster is accepted, and one that is still forming', () => {
  expect(check({})).toBeUndefined();
  expect(check({ clusterId: null, clusterFormedAtMs: null, state: 'empty' })).toBeUndefined();
  expect(check({}, { own: { ...own, clusterId: null } })).toBeUndefined();
  expect(check({ nodeId: 3 }, { expectedNodeId: undefined })).toBeUndefined();
});

test('each misfit is refused by its own reason', () => {
  expect(check({ protocolVersion: 2 })?.reason).toBe('protocolVersion');
  expect(check({ nodeId: 1 })?.reason).toBe('sameNodeId');
  expect(check({ nodeId: 3 })?.reason).toBe('wrongNode');
  expect(check({ clusterId: 'b'.repeat(32) })?.reason).toBe('otherCluster');
  expect(check({}, { isMember: () => false })?.reason).toBe('unknownMember');
});

test('a wiped or restored member is told how to come back', () => {
  const wiped = check({}, { verdict: () => 'otherInstance' });
  expect(wiped).toMatchObject({ reason: 'otherInstance', name: 'MemberRefused' });
  expect(wiped?.message).toMatch(/replace the member/);
  const restored = check({ bootCount: 1 }, { verdict: () => 'olderBootCount' });
  expect(restored).toMatchObject({ reason: 'olderBootCount', name: 'MemberRefused' });
  expect(restored?.message).toMatch(/newest directory/);
});

test('whoever does not fit is never shown to Raft', () => {
  const verdict = (): never => {
    throw new Error('asked');
  };
  expect(check({ clusterId: 'b'.repeat(32) }, { verdict })?.reason).toBe('otherCluster');
  expect(check({}, { isMember: () => false, verdict })?.reason).toBe('unknownMember');
});

test('a later hello of a stream may bring news, but not another identity', () => {
  expect(isSameRun(theirs, { ...theirs, clusterId: null, state: 'empty' })).toBe(true);
  expect(isSameRun(theirs, { ...theirs, instanceId: '3'.repeat(32) })).toBe(false);
  expect(isSameRun(theirs, { ...theirs, bootCount: 2 })).toBe(false);
  expect(isSameRun(theirs, { ...theirs, nodeId: 3 })).toBe(false);
});

test('a hello that makes no sense is refused before anything looks at it', () => {
  const verdict = (): never => {
    throw new Error('asked');
  };
  const nonsense: Partial<Hello>[] = [
    { instanceId: 'x' },
    { instanceId: '' },
    { clusterId: 'not an id' },
    { bootCount: 0 },
    { bootCount: 2 ** 53 - 1 },
    { nodeId: 0 },
    { advertiseAddress: 'höst:1' },
    { advertiseAddress: 'a'.repeat(300) },
  ];
  for (const hello of nonsense) expect(check(hello, { verdict })?.reason).toBe('malformed');
});

test('who looks for another node here is told so, whatever its cluster', () => {
  const lost = check({ targetNodeId: 3, clusterId: 'b'.repeat(32) }, { expectedNodeId: undefined });
  expect(lost?.reason).toBe('wrongNode');
  expect(check({ targetNodeId: 1 }, { expectedNodeId: undefined })).toBeUndefined();
});

test('a stranger of another cluster is a stranger: it stops nobody', () => {
  const stranger = { nodeId: 77, clusterId: 'b'.repeat(32), clusterFormedAtMs: 1 };
  const isMember = (id: number): boolean => id !== 77;
  const context = { expectedNodeId: undefined, isMember };
  expect(check(stranger, context)?.reason).toBe('unknownMember');
});

test('a caller with a certificate must bear a host of the member that it says to be', () => {
  const calling = (...borne: string[]): Partial<HelloContext> => ({
    expectedNodeId: undefined,
    certificate: { subject: 'CN=app', bears: (host) => borne.includes(host) },
    verdict: () => 'accepted',
  });
  expect(check({}, calling('n2.example'))).toBeUndefined();
  expect(check({}, calling('10.0.0.2'))).toBeUndefined();
  const refusal = check({}, { ...calling('n3.example', 'app.example'), verdict: neverAsked });
  expect(refusal).toMatchObject({ reason: 'otherCertificate', name: 'Forbidden' });
  expect(refusal?.message).toContain('CN=app, which does not bear n2.example or 10.0.0.2');
});

const neverAsked = (): never => {
  throw new Error('asked');
};
