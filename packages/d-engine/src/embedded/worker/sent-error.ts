import type { ErrorName, LeaderHint } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { ConfigProblem } from '../../config/index.ts';
import { ConfigError } from '../../config/index.ts';

/** An error on its way to another thread, which knows our own kinds of errors and no others. */
export type SentError =
  | {
      readonly kind: 'engine';
      readonly name: ErrorName;
      readonly message: string;
      readonly leader: LeaderHint | undefined;
      readonly retryAfterMs: number | undefined;
      readonly cause: SentError | undefined;
    }
  | { readonly kind: 'config'; readonly problems: readonly ConfigProblem[] }
  | {
      readonly kind: 'other';
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly cause: SentError | undefined;
    };

export function packError(error: unknown): SentError {
  if (error instanceof ConfigError) return { kind: 'config', problems: error.problems };
  if (!(error instanceof Error)) {
    const message = String(error);
    return { kind: 'other', name: 'Error', message, stack: undefined, cause: undefined };
  }
  const cause = error.cause === undefined ? undefined : packError(error.cause);
  if (error instanceof DEngineError) {
    const { name, message, leader, retryAfterMs } = error;
    return { kind: 'engine', name, message, leader, retryAfterMs, cause };
  }
  const { name, message, stack } = error;
  return { kind: 'other', name, message, stack, cause };
}

export function unpackError(sent: SentError): Error {
  switch (sent.kind) {
    case 'config':
      return new ConfigError(sent.problems);
    case 'engine': {
      const { leader, retryAfterMs } = sent;
      const cause = sent.cause && unpackError(sent.cause);
      return new DEngineError(sent.name, sent.message, { leader, retryAfterMs, cause });
    }
    case 'other': {
      const error =
        sent.cause === undefined
          ? new Error(sent.message)
          : new Error(sent.message, { cause: unpackError(sent.cause) });
      Object.defineProperty(error, 'name', { value: sent.name, configurable: true });
      if (sent.stack !== undefined) error.stack = sent.stack;
      return error;
    }
  }
}
