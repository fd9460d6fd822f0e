/** What the command line says. */
export interface ChaosFlags {
  readonly minutes: number;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  /** Keys change after so long, which keeps the check of each short. */
  readonly epochMs: number;
  /** Where to write the history; undefined: only when it is wrong. */
  readonly history: string | undefined;
  /** A folder for many short histories, one a key. */
  readonly histories: string | undefined;
  readonly network: boolean;
}

export const usage: string =
  'npm run chaos -- [--minutes 10] [--seed N] [--nodes 3] [--clients 8] ' +
  '[--epoch-ms 5000] [--history FILE] [--histories DIRECTORY] [--no-network]';

/** Throws an Error that says what is wrong. */
export function parseFlags(words: readonly string[]): ChaosFlags {
  const values = new Map<string, string>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (word === '--no-network') values.set(word, 'yes');
    else if (known.has(word)) values.set(word, words[++index] ?? '');
    else throw new Error(`unknown option ${word}; usage: ${usage}`);
  }
  const number = (name: string, otherwise: number, least: number, most: number): number => {
    const text = values.get(name);
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (text !== '' && value >= least && value <= most) return value;
    throw new Error(`${name} must be a number from ${least} to ${most}`);
  };
  return {
    minutes: number('--minutes', 10, 0.1, 600),
    seed: number('--seed', Math.floor(Math.random() * 1e9), 0, Number.MAX_SAFE_INTEGER),
    nodes: number('--nodes', 3, 1, 7),
    clients: number('--clients', 8, 1, 64),
    epochMs: number('--epoch-ms', 5_000, 100, 60_000),
    history: values.get('--history'),
    histories: values.get('--histories'),
    network: !values.has('--no-network'),
  };
}

const known = new Set([
  '--minutes',
  '--seed',
  '--nodes',
  '--clients',
  '--epoch-ms',
  '--history',
  '--histories',
]);
