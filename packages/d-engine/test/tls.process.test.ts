import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { runCommand } from '../../../tools/cluster/run-command.ts';
import { repositoryRoot, say } from './support/cluster-kit.ts';
import { makeAuthority, makeCertificate, TlsCluster } from './support/tls-cluster.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** What one attempt with it comes to. */
async function outcomeOf(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
    return 'done';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** In the file of a node: where it believes a member to be. */
function rewriteConfig(tls: TlsCluster, id: number, from: string, to: string): void {
  const path = join(tls.cluster.directory, `config/n${id}.toml`);
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(from, to));
}

test('three nodes that ask for certificates serve whoever has one, and nobody else', async () => {
  const tls = await TlsCluster.create();
  const { cluster } = tls;
  tls.startAll();
  await cluster.waitUntilSettled();

  const client = tls.client(tls.app);
  const { revision } = await client.put('k', 'v');
  expect(Buffer.from((await client.get('k'))?.value ?? []).toString()).toBe('v');
  expect(revision).toBeGreaterThan(0);

  const own = ['--ca', tls.path('ca.pem')];
  const shown = ['--certificate', tls.path('app.pem'), '--key', tls.path('app.key')];
  const endpoints = ['--endpoints', cluster.endpoints.map((each) => `https://${each}`).join()];
  const options = { root: repositoryRoot, cwd: cluster.directory };
  const shell = await runCommand(options, 'get', 'k', ...endpoints, ...own, ...shown);
  expect(shell).toMatchObject({ code: 0, stdout: 'v\n' });

  if (hasCurl) {
    const flags = ['-sS', '--cacert', own[1], '--cert', shown[1], '--key', shown[3]] as string[];
    const url = `https://${cluster.address(1)}/get?key=k`;
    const curl = spawnSync('curl', [...flags, url], { encoding: 'utf8' });
    expect(curl.stdout + curl.stderr).toContain('"value":"v"');
  } else say('not run: curl missing');

  // The metrics port is for whoever watches, and plain.
  const metrics = await (await fetch(`http://${cluster.metricsAddress(1)}/metrics`)).text();
  expect(metrics).toMatch(/d_engine_tls_expires_at_seconds\{file="certs\/n1\.pem"\} \d{10}\n/);

  const stranger = makeCertificate('app', [], makeAuthority('stranger'));
  const { certificatePem: certificate, keyPem: key } = stranger;
  const failures = await Promise.all([
    outcomeOf(tls.client({ ca: tls.authorityPem }).put('k', 'no certificate')),
    outcomeOf(tls.client({ ...tls.app, certificate, key }, 1_500).put('k', 'strange')),
    outcomeOf(tls.client({ ...tls.app, ca: certificate }).put('k', 'distrusts')),
    outcomeOf(tls.client({ ...tls.app, serverName: 'n9.example' }).put('k', 'names')),
    outcomeOf(tls.client(undefined, 1_500).put('k', 'plain')),
  ]);
  const [none, strange, distrusts, names, plain] = failures;
  expect(none).toMatch(/^TlsFailed: .*it takes callers with a certificate only \(mTLS\)/);
  expect(strange).toMatch(/^ClusterUnavailable: .*it may expect TLS, not trust our cert/);
  expect(distrusts).toMatch(/^TlsFailed: .*no authority that is trusted here vouches for its/);
  expect(names).toMatch(/^TlsFailed: .*its certificate is for another name: .*n9\.example/);
  expect(plain).toMatch(/^ClusterUnavailable: .*it may expect TLS/);
  await tls.said(1, 'refused the caller at 127.0.0.1: it showed no certificate');
  await tls.said(1, /refused the caller at 127.0.0.1: no authority that is trusted here vouches/);
  await tls.said(1, 'refused the caller at 127.0.0.1: it does not speak TLS');
  expect(await oldTls(cluster.address(1), tls.authorityPem)).toMatch(/protocol version/);
  await tls.said(1, 'no version of TLS from 1.2 on is spoken on both sides');
  expect(Buffer.from((await client.get('k'))?.value ?? []).toString()).toBe('v');
});

/** Why a handshake that offers no more than TLS 1.1 fails. */
function oldTls(address: string, ca: string): Promise<string> {
  const [host = '', port] = address.split(':');
  const socket = connectTls({
    ...{ host, port: Number(port), ca },
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  });
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve('connected'));
    socket.once('error', (error: Error) => resolve(error.message));
  });
}

test('members that are not what they say to be get no hearing, and both sides say so', async () => {
  const tls = await TlsCluster.create();
  const { cluster } = tls;
  const address = cluster.address(3);
  const elsewhere = address.replace('127.0.0.1', '127.0.0.3');
  // Node 3 goes by another address than the one that the others know it by.
  rewriteConfig(tls, 3, address, elsewhere);
  rewriteConfig(tls, 3, `listen_address = "127.0.0.3`, 'listen_address = "0.0.0.0');
  tls.certify(3, undefined, ['127.0.0.3']);
  tls.startAll();
  await tls.said(
    1,
    /peer 3 .* lost plane=control: its certificate is for another name: .*127\.0\.0/,
  );
  await tls.said(
    1,
    /refused peer 3: node 3 came with the certificate of CN=n3, which does not bear/,
  );
  await tls.said(3, /refused this member: node 3 came with the certificate of CN=n3, which does/);
  await cluster.kill(3);

  // A member that speaks plainly.
  rewriteConfig(tls, 3, elsewhere, address);
  rewriteConfig(tls, 3, '0.0.0.0', '127.0.0.1');
  const plainly = { RAFT__TLS__ENABLE_TLS: 'false', RAFT__TLS__ENABLE_MTLS: 'false' };
  tls.start(3, plainly);
  await tls.said(3, /connection to peer 1 .* lost .*it may expect TLS/);
  await tls.said(3, 'refused the caller at 127.0.0.1: it speaks TLS, and this port does not');
  await tls.said(1, 'refused the caller at 127.0.0.1: it does not speak TLS');
  await tls.said(1, /connection to peer 3 .* lost plane=control: it does not speak TLS/);
  await cluster.kill(3);

  // Whose certificate is as it should be, at last.
  tls.certify(3);
  tls.start(3);
  await cluster.waitUntilSettled();

  // One that could not be used is found at the start.
  await cluster.kill(3);
  tls.certify(3, undefined, ['127.0.0.9']);
  tls.start(3);
  expect((await cluster.process(3).exited).code).toBe(2);
  expect(cluster.process(3).output).toMatch(
    /^d-engine: tls\.server_certificate_path: certs\/n3\.pem: .* does not bear 127\.0\.0\.1/m,
  );
});

test('another authority is taken without a restart, and a bad file changes nothing', async () => {
  const tls = await TlsCluster.create();
  const { cluster } = tls;
  tls.startAll();
  const leader = await cluster.waitUntilSettled();
  await tls.client(tls.app).put('k', '1');

  const next = makeAuthority('next authority');
  writeFileSync(tls.path('ca.pem'), 'half written');
  cluster.process(1).signal('SIGHUP');
  await tls.said(1, /ERROR TLS: the certificates stay as they were: .*ca\.pem: the file holds no/);
  await tls.client(tls.app).put('k', '2');

  // Both are trusted while the members change over; then the old one is not.
  const authority = { certificatePem: tls.authorityPem };
  writeFileSync(tls.path('ca.pem'), authority.certificatePem + next.certificatePem);
  await tls.reload();
  for (const id of cluster.ids) tls.certify(id, next);
  tls.trust(next);
  await tls.reload();

  const app = makeCertificate('app', [], next);
  const { certificatePem: certificate, keyPem: key } = app;
  const client = tls.client({ ca: next.certificatePem, certificate, key });
  await client.put('k', '3');
  expect(await outcomeOf(tls.client(tls.app).put('k', 'old'))).toContain('TlsFailed');
  const oldApp = { ...tls.app, ca: next.certificatePem };
  expect(await outcomeOf(tls.client(oldApp, 1_500).put('k', 'old'))).toContain(
    'ClusterUnavailable',
  );

  // Connections between members stood all the while, and new ones work too.
  const { term } = await client.status();
  expect(term).toBe(leader.term);
  const follower = cluster.ids.find((id) => id !== leader.node_id) as number;
  await cluster.kill(follower);
  await client.put('k', '4');
  const from = cluster.readLog(follower).length;
  tls.start(follower);
  await tls.said(follower, /connection to peer \d (restored|established) plane=data/, from);
  expect(Buffer.from((await client.get('k'))?.value ?? []).toString()).toBe('4');
});
