/** Of each member, when a run fails. */
const linesMax = 20;

/** The last of each member, and of the world itself. */
export class LastLines {
  readonly #byMember = new Map<string, string[]>();

  add(line: string, member: string): void {
    // Heartbeats would push out everything else.
    if (line.includes(` ${member} trace `)) return;
    let lines = this.#byMember.get(member);
    if (lines === undefined) {
      lines = [];
      this.#byMember.set(member, lines);
    }
    lines.push(line);
    if (lines.length > linesMax) lines.shift();
  }

  get lines(): string[] {
    const members = [...this.#byMember].sort(([one], [other]) => (one < other ? -1 : 1));
    return members.flatMap(([member, lines]) => [
      member === '' ? 'faults:' : `${member}:`,
      ...lines.map((line) => `  ${line}`),
    ]);
  }
}

/** Whose line of a trace this is, as `simulate` writes them; undefined: none. */
export function tracedMember(line: string): string | undefined {
  return /^\d+\.\d{3} (\S*) /.exec(line)?.[1];
}
