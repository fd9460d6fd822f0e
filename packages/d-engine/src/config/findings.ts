import type { ConfigProblem } from './config-error.ts';
import { foldWarnings } from './describe-effect.ts';
import type { SectionDeclaration } from './key-declaration.ts';
import type { Origin } from './setting-node.ts';

export interface ProblemPlace {
  readonly origin?: Origin | undefined;
  readonly key?: string;
}

interface Warning {
  readonly message: string;
  readonly bareNotYet: Origin | undefined;
}

/** Gathers what is wrong or odd while a configuration is read. */
export class Findings {
  readonly problems: ConfigProblem[] = [];
  readonly #warnings: Warning[] = [];
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

  /** `bareNotYet`: where a key without effect yet stands, when there is no more to say of it. */
  warn(message: string, bareNotYet?: Origin): void {
    this.#warnings.push({ message, bareNotYet });
  }

  /** One by one. */
  get warnings(): string[] {
    return this.#warnings.map(({ message }) => message);
  }

  /** For the log: see {@link foldWarnings}. */
  get foldedWarnings(): string[] {
    return foldWarnings(this.#warnings);
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
