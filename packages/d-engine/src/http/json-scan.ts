/** Where a text stops being JSON, and why. Offsets count UTF-16 units, lines and columns from 1. */
export interface JsonProblem {
  readonly offset: number;
  readonly message: string;
}

/**
 * Looks a text over before `JSON.parse` does, for two things that it does not tell: the position
 * of a mistake (its messages differ between versions of Node and often name none), and a key of
 * the outermost object that is given twice (it silently takes the last one).
 * Iterative: nesting costs no call stack.
 */
export function findJsonProblem(text: string): JsonProblem | undefined {
  const scan = new Scan(text);
  try {
    scan.run();
    return undefined;
  } catch (error) {
    if (error instanceof Mistake) return error.problem;
    throw error;
  }
}

/** `line 1, column 15` of an offset. */
export function describePosition(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - before.lastIndexOf('\n');
  return `line ${line}, column ${column}`;
}

class Mistake extends Error {
  override readonly name = 'Mistake';
  readonly problem: JsonProblem;

  constructor(problem: JsonProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

const whitespace = /[ \t\n\r]*/y;
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** All but what stands in a string as it is: quote, backslash and the control characters. */
const stringStop = /[^ !#-[\]-\uffff]/g;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Container = '{' | '[';

class Scan {
  readonly #text: string;
  readonly #open: Container[] = [];
  readonly #outerKeys = new Set<string>();
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    this.#skipWhitespace();
    while (!this.#value() || !this.#afterValue()) this.#skipWhitespace();
    if (this.#position < this.#text.length) this.#fail('text after the end of the JSON value');
  }

  /** Passes a scalar or an empty container: true; or enters a container, up to its first value. */
  #value(): boolean {
    const start = this.#text[this.#position];
    if (start === '"') {
      this.#string();
      return true;
    }
    if (start === '{' || start === '[') {
      this.#position += 1;
      this.#skipWhitespace();
      const end = start === '{' ? '}' : ']';
      if (this.#text[this.#position] === end) {
        this.#position += 1;
        return true;
      }
      this.#open.push(start);
      if (start === '{') this.#key();
      return false;
    }
    if (!this.#match(scalar)) this.#fail('a value is expected here');
    return true;
  }

  /** Passes what may follow a value. True at the end of the outermost one. */
  #afterValue(): boolean {
    for (;;) {
      this.#skipWhitespace();
      const container = this.#open.at(-1);
      if (container === undefined) return true;
      const next = this.#text[this.#position];
      if (next === ',') {
        this.#position += 1;
        this.#skipWhitespace();
        if (container === '{') this.#key();
        return false;
      }
      const end = container === '{' ? '}' : ']';
      if (next !== end) this.#fail(`"," or "${end}" is expected here`);
      this.#position += 1;
      this.#open.pop();
    }
  }

  #key(): void {
    const start = this.#position;
    if (this.#text[start] !== '"') this.#fail('a key in double quotes is expected here');
    this.#string();
    if (this.#open.length === 1) this.#noteOuterKey(start);
    this.#skipWhitespace();
    if (this.#text[this.#position] !== ':') this.#fail('":" is expected here');
    this.#position += 1;
  }

  #noteOuterKey(start: number): void {
    const key: unknown = JSON.parse(this.#text.slice(start, this.#position));
    if (typeof key !== 'string') return;
    if (this.#outerKeys.has(key)) {
      this.#position = start;
      this.#fail(`field ${JSON.stringify(key)} is given twice`);
    }
    this.#outerKeys.add(key);
  }

  #string(): void {
    const start = this.#position;
    this.#position += 1;
    for (;;) {
      stringStop.lastIndex = this.#position;
      const stop = stringStop.exec(this.#text);
      if (stop === null) {
        this.#position = start;
        this.#fail('this string does not end');
      }
      this.#position = stop.index;
      if (stop[0] === '"') {
        this.#position += 1;
        return;
      }
      if (stop[0] !== '\\') this.#fail('a control character must be written as \\u00XX');
      if (!this.#match(escapeSequence)) this.#fail('this is no escape of JSON');
    }
  }

  #skipWhitespace(): void {
    this.#match(whitespace);
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#position;
    if (!pattern.test(this.#text)) return false;
    this.#position = pattern.lastIndex;
    return true;
  }

  #fail(message: string): never {
    const ended = this.#position >= this.#text.length;
    const problem = ended ? `the text ends, but ${message}` : message;
    throw new Mistake({ offset: this.#position, message: problem });
  }
}
