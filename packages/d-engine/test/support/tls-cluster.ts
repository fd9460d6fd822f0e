import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientTls, ConnectedClient } from 'd-engine/client';
import { connect } from 'd-engine/client';
import { onTestFinished } from 'vitest';
import type { HttpTls } from '../../../../tools/cluster/http-call.ts';
import type { LocalCluster } from '../../../../tools/cluster/local-cluster.ts';
import { type MadeCertificate, makeCertificate as make } from '../../src/tls/make-certificate.ts';
import { newCluster } from './cluster-kit.ts';

const dayMs = 86_400_000;

export function makeAuthority(subject: string): MadeCertificate {
  return makeCertificate(subject, [], undefined, true);
}

/** Valid from yesterday to the day after tomorrow. */
export function makeCertificate(
  subject: string,
  hosts: readonly string[],
  issuer: MadeCertificate | undefined,
  isAuthority = false,
): MadeCertificate {
  const nowMs = Date.now();
  const wish = { subject, hosts, isAuthority };
  return make({ ...wish, validFromMs: nowMs - dayMs, validToMs: nowMs + 2 * dayMs }, issuer);
}

/** Three nodes on the loopback that ask every caller for a certificate. */
export class TlsCluster {
  readonly cluster: LocalCluster;
  /** What an application has. */
  readonly app: ClientTls;
  readonly #authority: MadeCertificate;

  static async create(): Promise<TlsCluster> {
    const authority = makeAuthority('authority');
    const app = makeCertificate('app', [], authority);
    const tls: HttpTls = {
      ca: authority.certificatePem,
      cert: app.certificatePem,
      key: app.keyPem,
    };
    const lines = [
      '[tls]',
      'enable_tls = true',
      'enable_mtls = true',
      'certificate_authority_root_path = "certs/ca.pem"',
      'client_certificate_authority_root_path = "certs/ca.pem"',
    ];
    const cluster = await newCluster({ extraConfig: lines.join('\n'), tls });
    return new TlsCluster(cluster, authority, app);
  }

  private constructor(cluster: LocalCluster, authority: MadeCertificate, app: MadeCertificate) {
    this.cluster = cluster;
    this.#authority = authority;
    const { certificatePem: certificate, keyPem: key } = app;
    this.app = { ca: authority.certificatePem, certificate, key };
    mkdirSync(join(cluster.directory, 'certs'));
    this.trust(authority);
    this.write('app', app);
    for (const id of cluster.ids) this.certify(id);
  }

  get authorityPem(): string {
    return this.#authority.certificatePem;
  }

  path(name: string): string {
    return join(this.cluster.directory, 'certs', name);
  }

  /** `NAME.pem` and `NAME.key`. */
  write(name: string, certificate: MadeCertificate): void {
    writeFileSync(this.path(`${name}.pem`), certificate.certificatePem);
    writeFileSync(this.path(`${name}.key`), certificate.keyPem);
    chmodSync(this.path(`${name}.key`), 0o600);
  }

  /** What all nodes trust from their next look on. */
  trust(...authorities: readonly MadeCertificate[]): void {
    const text = authorities.map(({ certificatePem }) => certificatePem).join('');
    writeFileSync(this.path('ca.pem'), text);
  }

  /** A new certificate of a node. */
  certify(
    id: number,
    authority: MadeCertificate = this.#authority,
    hosts: readonly string[] = ['127.0.0.1'],
  ): void {
    this.write(`n${id}`, makeCertificate(`n${id}`, hosts, authority));
  }

  start(id: number, environment: Readonly<Record<string, string>> = {}): void {
    this.cluster.start(id, {
      RAFT__TLS__SERVER_CERTIFICATE_PATH: `certs/n${id}.pem`,
      RAFT__TLS__SERVER_PRIVATE_KEY_PATH: `certs/n${id}.key`,
      ...environment,
    });
  }

  startAll(): void {
    for (const id of this.cluster.ids) this.start(id);
  }

  /** Until a line of the node's log has the text; whatever it said before `from` is skipped. */
  async said(id: number, text: string | RegExp, from = 0): Promise<string> {
    return this.cluster.waitFor(`node ${id} says ${text}`, 15_000, () =>
      (existsSync(this.cluster.logFile(id)) ? this.cluster.readLog(id) : '')
        .slice(from)
        .split('\n')
        .find((line) => (typeof text === 'string' ? line.includes(text) : text.test(line))),
    );
  }

  /** Every node reads its files anew, and says that it did. */
  async reload(): Promise<void> {
    await Promise.all(
      this.cluster.ids.map(async (id) => {
        const from = this.cluster.readLog(id).length;
        this.cluster.process(id).signal('SIGHUP');
        await this.said(id, 'TLS: certificates read anew', from);
      }),
    );
  }

  /** It knows all nodes, and ends with the test. */
  client(tls: ClientTls | undefined, deadlineMs = 10_000): ConnectedClient {
    const client = connect({ endpoints: this.cluster.endpoints, tls, deadlineMs });
    onTestFinished(() => client.close());
    return client;
  }
}
