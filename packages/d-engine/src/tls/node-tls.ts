import { describeError, type Logger, type Metrics } from '@d-engine/base';
import { ConfigError, type NodeConfig } from '../config/index.ts';
import { type NetworkTls, TlsFileError, TlsIdentity } from '../env/index.ts';
import { ExpiryLog } from './expiry-log.ts';
import { FileWatch } from './file-watch.ts';
import { ensureSelfSigned } from './self-signed.ts';
import { planTls, type TlsPlan } from './tls-plan.ts';

export interface NodeTlsParts {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How often the files are looked at; two looks after a change it is taken. */
  readonly lookEveryMs?: number;
  readonly nowMs?: () => number;
}

const lookEveryMsDefault = 15_000;

/** The certificates of a node: read at the start, again when asked, and when the files change. */
export class NodeTls {
  readonly network: NetworkTls;
  readonly #plan: TlsPlan;
  readonly #serve: TlsIdentity;
  readonly #dial: TlsIdentity;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #nowMs: () => number;
  readonly #expiry: ExpiryLog;
  #watch: FileWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** One reload at a time. */
  #last: Promise<void> = Promise.resolve();

  private constructor(plan: TlsPlan, serve: TlsIdentity, dial: TlsIdentity, parts: NodeTlsParts) {
    this.#plan = plan;
    this.#serve = serve;
    this.#dial = dial;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#nowMs = parts.nowMs ?? Date.now;
    this.#expiry = new ExpiryLog(parts.logger);
    this.network = {
      listen: {
        identity: serve,
        clientAuth: plan.callersNeedCertificate ? 'required' : 'none',
      },
      connect: { identity: dial },
    };
  }

  /** Undefined without `enable_tls`. Rejects with {@link ConfigError} for a file that is no use. */
  static async open(config: NodeConfig, parts: NodeTlsParts): Promise<NodeTls | undefined> {
    if (!config.tls.enabled) return undefined;
    const plan = planTls(config);
    const nowMs = parts.nowMs ?? Date.now;
    try {
      await makeCertificate(plan, config.cluster.nodeId, nowMs(), parts.logger);
      const serve = await TlsIdentity.load(plan.serve, nowMs);
      const dial = await TlsIdentity.load(plan.dial, nowMs);
      const tls = new NodeTls(plan, serve, dial, parts);
      await tls.#begin(parts.lookEveryMs ?? lookEveryMsDefault);
      return tls;
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error;
      const key = plan.keyOf.get(error.path) ?? '';
      throw new ConfigError([{ message: explain(plan, error), ...(key === '' ? {} : { key }) }]);
    }
  }

  /** Takes the files as they are now; if one is no use, all stays as it was. Never rejects. */
  reload(): Promise<void> {
    this.#last = this.#last.then(() => this.#reload());
    return this.#last;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #begin(lookEveryMs: number): Promise<void> {
    const paths = [this.#plan.serve, this.#plan.dial]
      .flatMap(({ certificate, privateKey, authorities }) => [certificate, privateKey, authorities])
      .filter((path) => path !== undefined);
    this.#watch = await FileWatch.begin([...new Set(paths)], () => void this.reload());
    this.#report();
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  #look(): void {
    this.#report();
    this.#watch?.look().catch((error: unknown) => {
      this.#logger.error('TLS: looking at the files failed', { error: describeError(error) });
    });
  }

  async #reload(): Promise<void> {
    try {
      await this.#watch?.take();
      const taking = await Promise.all([this.#serve.prepareReload(), this.#dial.prepareReload()]);
      for (const take of taking) take();
      this.#expiry.forget();
      this.#logger.warn('TLS: certificates read anew; connections that stand keep the old ones');
      this.#report();
    } catch (error) {
      const why = error instanceof TlsFileError ? explain(this.#plan, error) : describeError(error);
      this.#logger.error(`TLS: the certificates stay as they were: ${why}`);
    }
  }

  #report(): void {
    const { serve, dial } = this.#plan;
    this.#reportEnd(serve.certificate, this.#serve.certificateEndsAtMs);
    this.#reportEnd(serve.authorities, this.#serve.authoritiesEndAtMs);
    this.#reportEnd(dial.authorities, this.#dial.authoritiesEndAtMs);
  }

  #reportEnd(path: string | undefined, endsAtMs: number | undefined): void {
    if (path === undefined || endsAtMs === undefined) return;
    this.#metrics
      .gauge(
        'd_engine_tls_expires_at_seconds',
        'When a file of certificates expires, in seconds since 1970.',
        { file: path },
      )
      .set(Math.floor(endsAtMs / 1000));
    this.#expiry.check(path, endsAtMs, this.#nowMs());
  }
}

async function makeCertificate(
  plan: TlsPlan,
  nodeId: number,
  nowMs: number,
  logger: Logger,
): Promise<void> {
  const { selfSigned: files, ownHosts: hosts } = plan;
  if (files === undefined) return;
  const done = await ensureSelfSigned(files, { subject: `d-engine node ${nodeId}`, hosts, nowMs });
  if (done === 'kept') return;
  const { certificate } = files;
  logger.warn(`TLS: made a self-signed certificate; whoever calls must trust ${certificate}`);
}

/** The key and what to do stand beside the file and what is wrong with it. */
function explain({ keyOf, selfSigned }: TlsPlan, error: TlsFileError): string {
  const key = keyOf.get(error.path) ?? '';
  const place = key === '' ? error.message : `${key}: ${error.message}`;
  if (selfSigned === undefined) return place;
  const { certificate, privateKey } = selfSigned;
  const isOwn = error.path === certificate || error.path === privateKey;
  if (isOwn) return `${place}; without the file, the next start makes a new certificate`;
  return `${place}; it holds the certificates of all who are trusted; of this node: ${certificate}`;
}
