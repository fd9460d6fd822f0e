import type { ConfigProblem } from './config-error.ts';
import type { SectionDeclaration } from './key-declaration.ts';
import type { Origin } from './setting-node.ts';

export interface ProblemPlace {
  readonly origin?: Origin | undefined;
  readonly key?: string;
}

/** Gathers what is wrong or odd while a configuration is read. */
export class Findings {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];
  readonly #brokenKeys = new Set<string>();

  problem(message: string, place: ProblemPlace = {}): void {
    const { origin, key } = place;
    this.problems.push({
      message,
      ...(origin?.kind === 'file'
        ? { file: origin.file, line: origin.line, column: origin.column }
        : {}),
      ...(origin?.kind === 'environment' ? { variable: origin.variable } : {}),
      ...(key === undefined ? {} : { key }),
    });
  }

  warn(message: string): void {
    this.warnings.push(message);
  }

  /** The value of this key could not be read: rules that relate it to others must be skipped. */
  markBroken(path: string): void {
    this.#brokenKeys.add(path);
  }

  /** False when a key of one of the sections is broken, so that one mistake is reported once. */
  sound(...sections: readonly SectionDeclaration[]): boolean {
    const prefixes = sections.map((section) => `${section.path}.`);
    for (const key of this.#brokenKeys) {
      if (prefixes.some((prefix) => key.startsWith(prefix))) return false;
    }
    return true;
  }
}
