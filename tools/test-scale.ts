/** How big the tests run: `gate` in minutes on every change, `long` for a night. */
export type TestScale = 'gate' | 'long';

export const testScale: TestScale = readTestScale(process.env['D_ENGINE_TEST_SCALE']);

/** Picks the number of seeds, rounds or seconds for the scale that this run was started with. */
export function scaled<T>(choices: { readonly gate: T; readonly long: T }): T {
  return choices[testScale];
}

export function readTestScale(value: string | undefined): TestScale {
  if (value === undefined || value === '' || value === 'gate') return 'gate';
  if (value === 'long') return 'long';
  throw new Error(`D_ENGINE_TEST_SCALE is '${value}': use gate or long`);
}
