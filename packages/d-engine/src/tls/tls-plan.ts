import { hostname } from 'node:os';
import { isUnspecifiedHost, type NodeConfig, parseHostPort } from '../config/index.ts';
import type { TlsPaths } from '../env/index.ts';
import { dialHost } from '../env/index.ts';
import { type CertificateFiles, selfSignedFiles } from './self-signed.ts';

/** What the configuration makes of the files. */
export interface TlsPlan {
  /** Shown to callers, and by whom they must be vouched for when callers need a certificate. */
  readonly serve: TlsPaths;
  /** Shown to members that are dialled, and by whom those must be vouched for. */
  readonly dial: TlsPaths;
  readonly callersNeedCertificate: boolean;
  /** Made by this node itself, if they are not there yet. */
  readonly selfSigned: CertificateFiles | undefined;
  /** What a certificate bears that this node makes. */
  readonly ownHosts: readonly string[];
  /** The key that names each file. */
  readonly keyOf: ReadonlyMap<string, string>;
}

export function planTls(config: NodeConfig): TlsPlan {
  const { cluster, tls } = config;
  const { certificate, privateKey } = tls.selfSigned
    ? selfSignedFiles(cluster.dbRootDir)
    : { certificate: tls.serverCertificatePath, privateKey: tls.serverPrivateKeyPath };
  const hasPeers = cluster.members.some(({ id }) => id !== cluster.nodeId);
  const own = { certificate, privateKey };
  return {
    serve: {
      ...own,
      authorities: tls.mutual ? tls.clientAuthorityPath : undefined,
      hosts: hasPeers ? dialledHosts(config) : [],
      uses: tls.mutual && hasPeers ? ['server', 'client'] : ['server'],
    },
    // Shown also while this node asks nobody for one: members change over one by one.
    dial: { ...own, authorities: hasPeers ? tls.authorityPath : undefined },
    callersNeedCertificate: tls.mutual,
    selfSigned: tls.selfSigned ? own : undefined,
    ownHosts: ownHosts(config),
    keyOf: new Map([
      [tls.clientAuthorityPath, 'tls.client_certificate_authority_root_path'],
      [tls.authorityPath, 'tls.certificate_authority_root_path'],
      [privateKey, tls.selfSigned ? '' : 'tls.server_private_key_path'],
      [certificate, tls.selfSigned ? '' : 'tls.server_certificate_path'],
    ]),
  };
}

/** By which others reach this node: its members', and clients that follow a hint. */
function dialledHosts({ cluster }: NodeConfig): string[] {
  const own = cluster.members.find(({ id }) => id === cluster.nodeId);
  const hosts = [own?.address, cluster.advertiseAddress].flatMap((address) => {
    const host = address === undefined ? undefined : parseHostPort(address)?.host;
    return host === undefined ? [] : [dialHost(host)];
  });
  return [...new Set(hosts)];
}

function ownHosts(config: NodeConfig): string[] {
  const listened = parseHostPort(config.cluster.listenAddress)?.host;
  const hosts = [
    ...dialledHosts(config),
    ...(listened === undefined || isUnspecifiedHost(listened) ? [] : [listened]),
    ...config.http.allowedHosts,
    hostname(),
    ...['localhost', '127.0.0.1', '::1'],
  ];
  return [...new Set(hosts)];
}
