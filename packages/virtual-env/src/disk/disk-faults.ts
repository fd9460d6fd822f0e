import type { DiskErrorKind } from '@d-engine/base';

export const diskOperations = [
  'open',
  'list',
  'exists',
  'makeDirectory',
  'rename',
  'remove',
  'syncDirectory',
  'lockDirectory',
  'read',
  'write',
  'sync',
  'truncate',
  'size',
  'close',
] as const;
/** `writeAndSync` is a `write`, then a `sync`. */
export type DiskOperation = (typeof diskOperations)[number];

/** An order to fail. */
export interface DiskFault {
  readonly operation: DiskOperation;
  readonly kind: DiskErrorKind;
  /** Only for paths that contain this text. */
  readonly pathIncludes?: string;
  /** How many operations fail; 1 unless said. */
  readonly times?: number;
}

/** Of somebody who waits for an operation to begin. */
interface Watch {
  readonly operation: DiskOperation;
  readonly pathIncludes: string;
  readonly action: () => void;
}

export class DiskFaults {
  readonly #armed: { readonly fault: DiskFault; left: number }[] = [];
  readonly #watches = new Set<Watch>();

  /** Returns how to take the order back, which says whether there was anything left of it. */
  add(fault: DiskFault): () => boolean {
    const order = { fault, left: fault.times ?? 1 };
    this.#armed.push(order);
    return () => {
      const index = this.#armed.indexOf(order);
      if (index >= 0) this.#armed.splice(index, 1);
      return index >= 0;
    };
  }

  /** Calls `action` once, when such an operation begins. Returns how to wait no longer. */
  watch(operation: DiskOperation, pathIncludes: string, action: () => void): () => void {
    const watch = { operation, pathIncludes, action };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  clear(): void {
    this.#armed.length = 0;
    this.#watches.clear();
  }

  /** Those who waited for this one, and wait no longer. */
  takeWatches(operation: DiskOperation, path: string): readonly (() => void)[] {
    if (this.#watches.size === 0) return [];
    const met = [...this.#watches].filter(
      (watch) => watch.operation === operation && path.includes(watch.pathIncludes),
    );
    for (const watch of met) this.#watches.delete(watch);
    return met.map(({ action }) => action);
  }

  /** The failure that an operation that starts now must end in, if any. */
  take(operation: DiskOperation, path: string): DiskErrorKind | undefined {
    const index = this.#armed.findIndex(
      ({ fault }) => fault.operation === operation && path.includes(fault.pathIncludes ?? ''),
    );
    const armed = this.#armed[index];
    if (armed === undefined) return undefined;
    armed.left -= 1;
    if (armed.left <= 0) this.#armed.splice(index, 1);
    return armed.fault.kind;
  }
}
