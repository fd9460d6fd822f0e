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

export class DiskFaults {
  readonly #armed: { readonly fault: DiskFault; left: number }[] = [];

  /** Returns how to take the order back. */
  add(fault: DiskFault): () => void {
    const order = { fault, left: fault.times ?? 1 };
    this.#armed.push(order);
    return () => {
      const index = this.#armed.indexOf(order);
      if (index >= 0) this.#armed.splice(index, 1);
    };
  }

  clear(): void {
    this.#armed.length = 0;
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
