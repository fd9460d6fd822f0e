import type { IncomingMessage } from 'node:http';
import { DEngineError } from '@d-engine/base';

/** The caller went away: nobody is left to answer. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';
}

/** Bytes that all requests together may hold in memory. */
export class ByteBudget {
  readonly #bytesMax: number;
  #used = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#bytesMax) return false;
    this.#used += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }
}

/** The length that the caller announced; undefined for a body in chunks. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  if (request.headers['transfer-encoding'] !== undefined) return undefined;
  return Number(request.headers['content-length'] ?? 0);
}

/** The caller sends its body only once it was told "100 Continue". */
export function awaitsContinue(request: IncomingMessage): boolean {
  return request.headers.expect !== undefined && request.httpVersion === '1.1';
}

export interface BodyReader {
  /** `onWanted` is called when nothing known so far speaks against the body. */
  read(onWanted: () => void): Promise<Uint8Array>;
  /** Call when the request is over: its bytes no longer count. */
  release(): void;
}

/**
 * Reads the body of a request, never holding more than allowed. After a refusal the rest of the
 * body is left in the request.
 */
export function createBodyReader(
  request: IncomingMessage,
  bytesMax: number,
  budget: ByteBudget,
): BodyReader {
  let taken = 0;
  const refusalOf = (chunk: Buffer): DEngineError | undefined => {
    if (taken + chunk.length > bytesMax) return tooLarge(bytesMax);
    if (budget.take(chunk.length)) {
      taken += chunk.length;
      return undefined;
    }
    return new DEngineError(
      'RateLimited',
      'requests in progress fill the memory set aside for their bodies: retry after the pause',
    );
  };
  return {
    async read(onWanted) {
      if ((announcedBytes(request) ?? 0) > bytesMax) throw tooLarge(bytesMax);
      refuseContentEncoding(request);
      if (request.destroyed) throw new CallerGone('the caller has gone away');
      onWanted();
      return collect(request, refusalOf);
    },
    release() {
      budget.giveBack(taken);
      taken = 0;
    },
  };
}

function collect(
  request: IncomingMessage,
  refusalOf: (chunk: Buffer) => DEngineError | undefined,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const onData = (chunk: Buffer): void => {
      const refusal = refusalOf(chunk);
      if (refusal === undefined) chunks.push(chunk);
      else stop(() => reject(refusal));
    };
    const onEnd = (): void => stop(() => resolve(Buffer.concat(chunks)));
    const onGone = (): void => stop(() => reject(new CallerGone('the caller has gone away')));
    const stop = (settle: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      request.pause();
      settle();
    };
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

function tooLarge(bytesMax: number): DEngineError {
  return new DEngineError('RequestTooLarge', `the body is over the limit of ${bytesMax} bytes`);
}

function refuseContentEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return;
  throw new DEngineError(
    'InvalidRequest',
    `content-encoding ${JSON.stringify(encoding)} is not supported: send the body as it is`,
  );
}
