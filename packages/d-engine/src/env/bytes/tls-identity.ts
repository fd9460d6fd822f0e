import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { readTlsFiles, TlsFileError, type TlsMaterial, type TlsPaths } from './tls-files.ts';

/**
 * What one side proves itself with and whom it trusts, as of the last good {@link reload}:
 * connections that stand keep what they began with, new ones take the newest.
 */
export class TlsIdentity {
  readonly #paths: TlsPaths;
  readonly #nowMs: () => number;
  readonly #followers: Set<() => void> = new Set();
  #loaded: Loaded;

  private constructor(paths: TlsPaths, nowMs: () => number, loaded: Loaded) {
    this.#paths = paths;
    this.#nowMs = nowMs;
    this.#loaded = loaded;
  }

  /** Rejects with {@link TlsFileError}. */
  static async load(paths: TlsPaths, nowMs: () => number = Date.now): Promise<TlsIdentity> {
    return new TlsIdentity(paths, nowMs, await loadFiles(paths, nowMs()));
  }

  /** For a server, which makes its own context of it. */
  get contextOptions(): SecureContextOptions {
    return this.#loaded.options;
  }

  get context(): SecureContext {
    return this.#loaded.context;
  }

  /** When the first certificate of the own chain expires. */
  get certificateEndsAtMs(): number | undefined {
    return this.#loaded.material.certificateEndsAtMs;
  }

  /** When the last of those who are trusted expires. */
  get authoritiesEndAtMs(): number | undefined {
    return this.#loaded.material.authoritiesEndAtMs;
  }

  get hasCertificate(): boolean {
    return this.#paths.certificate !== undefined;
  }

  get hasAuthorities(): boolean {
    return this.#paths.authorities !== undefined;
  }

  /** Reads the files again. If it rejects, with {@link TlsFileError}, all is as it was. */
  async reload(): Promise<void> {
    const take = await this.prepareReload();
    take();
  }

  /** The first half of {@link reload}, for several that change together or not at all. */
  async prepareReload(): Promise<() => void> {
    const loaded = await loadFiles(this.#paths, this.#nowMs());
    return () => {
      this.#loaded = loaded;
      for (const follow of this.#followers) follow();
    };
  }

  /** Calls back after each good reload; returns how to stop it. */
  onReload(follow: () => void): () => void {
    this.#followers.add(follow);
    return () => this.#followers.delete(follow);
  }
}

interface Loaded {
  readonly material: TlsMaterial;
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

async function loadFiles(paths: TlsPaths, nowMs: number): Promise<Loaded> {
  const material = await readTlsFiles(paths, nowMs);
  const options = contextOptionsOf(material);
  try {
    // OpenSSL has rules of its own, on the strength of keys for example.
    return { material, options, context: createSecureContext(options) };
  } catch (error) {
    const path = paths.certificate ?? paths.authorities ?? 'TLS';
    const reason = error instanceof Error ? error.message : String(error);
    throw new TlsFileError(path, `OpenSSL refuses it: ${reason}`, { cause: error });
  }
}

function contextOptionsOf(material: TlsMaterial): SecureContextOptions {
  const { certificate, privateKey, authorities } = material;
  return {
    // RFC 9113, section 9.2: HTTP/2 takes no older one.
    minVersion: 'TLSv1.2',
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
    // Without any, OpenSSL would trust the authorities of the public web.
    ca: authorities ?? [],
  };
}
