/** One thing that a backend must do. Rejects when it does not; any test runner can run it. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** A backend that does not do what its contract says. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
}

type Named<Test> = readonly (readonly [string, Test])[];

/** Each case with what `create` makes anew for it. */
export function casesOf<Backend>(
  create: () => Backend | Promise<Backend>,
  tests: Named<(backend: Backend) => Promise<void> | void>,
): ConformanceCase[] {
  return tests.map(([name, test]) => ({ name, run: async () => test(await create()) }));
}

/** Each with two of them. */
export function pairCasesOf<Backend>(
  create: () => Backend | Promise<Backend>,
  tests: Named<(one: Backend, other: Backend) => Promise<void> | void>,
): ConformanceCase[] {
  const pairOf = async (): Promise<[Backend, Backend]> => [await create(), await create()];
  return tests.map(([name, test]) => ({ name, run: async () => test(...(await pairOf())) }));
}

export function mustEqual(found: unknown, expected: unknown, what: string): void {
  const texts = [found, expected].map((value) => textOf(value));
  if (texts[0] === texts[1]) return;
  throw new ConformanceFailure(`${what}: found ${texts[0]}, expected ${texts[1]}`);
}

export async function mustReject(work: () => Promise<unknown>, what: string): Promise<void> {
  let isRejected = false;
  try {
    await work();
  } catch {
    isRejected = true;
  }
  if (!isRejected) throw new ConformanceFailure(`${what} was taken`);
}

/** Bytes as text, so that a message can be read and any kind of byte array compares. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Uint8Array) return Buffer.from(each).toString('latin1');
    // Buffers are asked for their own form first.
    if (isBufferForm(each)) return Buffer.from(each.data).toString('latin1');
    return each === undefined ? 'undefined' : each;
  });
}

function isBufferForm(value: unknown): value is { readonly data: readonly number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value
  );
}
