/** The class under test broke a rule that no script may show as its expected output. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
}

export function check(condition: boolean, message: () => string): void {
  if (!condition) throw new RuleBroken(message());
}
