import { readFileSync } from 'node:fs';
import { errorCode } from './env/index.ts';

/** Undefined when there is no such file; throws when it cannot be read. */
export function readOptionalFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
