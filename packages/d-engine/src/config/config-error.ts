/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** What is wrong and what to write instead, without the place. */
  readonly message: string;
  readonly file?: string;
  /** Both count from 1. */
  readonly line?: number;
  readonly column?: number;
  /** Environment variable that holds the bad value. */
  readonly variable?: string;
  /** Whole name of the key, where there is one. */
  readonly key?: string;
}

function describeProblem(problem: ConfigProblem): string {
  const { file, line, column, variable, message } = problem;
  if (variable !== undefined) return `${variable}: ${message}`;
  if (file === undefined) return message;
  if (line === undefined) return `${file}: ${message}`;
  return `${file}:${line}:${column ?? 1}: ${message}`;
}

/** Thrown with everything that is wrong, so that it can be mended in one go. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(describeProblem);
    const intro = `${lines.length} problems in the configuration:`;
    super(lines.length === 1 ? lines[0] : [intro, ...lines].join('\n'));
    this.problems = problems;
  }
}
