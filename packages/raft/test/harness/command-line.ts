import type { NodeId } from '@d-engine/base';
import { ScriptError } from './script.ts';

/**
 * One command, taken apart: words, then `key=value` options in any order. Handlers take what they
 * know; {@link end} refuses what is left over, so that a typing error never passes silently.
 */
export class CommandLine {
  readonly name: string;
  readonly #words: string[] = [];
  readonly #options = new Map<string, string>();

  constructor(text: string) {
    const [name, ...parts] = text.split(' ').filter((part) => part !== '');
    this.name = name ?? '';
    for (const part of parts) {
      const at = part.indexOf('=');
      if (at <= 0) this.#words.push(part);
      else if (this.#options.has(part.slice(0, at))) throw new ScriptError(`${part} comes twice`);
      else this.#options.set(part.slice(0, at), part.slice(at + 1));
    }
  }

  /** The next word, which must be there. */
  word(what: string): string {
    const word = this.#words.shift();
    if (word === undefined) throw new ScriptError(`${this.name}: ${what} is missing`);
    return word;
  }

  /** The next word as a node. */
  node(): NodeId {
    return wholeNumber(this.word('a node'), 'a node');
  }

  /** The next word as a number, which must be there. */
  number(what: string): number {
    return wholeNumber(this.word(what), what);
  }

  hasWord(): boolean {
    return this.#words.length > 0;
  }

  /** All words that are left, as nodes. */
  nodes(): readonly NodeId[] {
    return this.words().map((word) => wholeNumber(word, 'a node'));
  }

  words(): readonly string[] {
    return this.#words.splice(0);
  }

  /** Takes `word` out of the words and tells whether it was there. */
  flag(word: string): boolean {
    const at = this.#words.indexOf(word);
    if (at >= 0) this.#words.splice(at, 1);
    return at >= 0;
  }

  option(key: string): string | undefined {
    const value = this.#options.get(key);
    this.#options.delete(key);
    return value;
  }

  optionNumber(key: string): number | undefined {
    const value = this.option(key);
    return value === undefined ? undefined : wholeNumber(value, key);
  }

  /** Numbers with commas between; an empty value gives an empty list. */
  optionNumbers(key: string): readonly number[] | undefined {
    const value = this.option(key);
    if (value === undefined) return undefined;
    return value === '' ? [] : value.split(',').map((part) => wholeNumber(part, key));
  }

  /** One of `choices`. */
  optionChoice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.option(key);
    if (value === undefined) return undefined;
    return oneOf(value, choices, `${this.name}: ${key}`);
  }

  /** All options that are left. */
  options(): ReadonlyMap<string, string> {
    const rest = new Map(this.#options);
    this.#options.clear();
    return rest;
  }

  end(): void {
    const rest = [...this.#words, ...[...this.#options].map(([key, value]) => `${key}=${value}`)];
    if (rest.length > 0) throw new ScriptError(`${this.name} does not take ${rest.join(' ')}`);
  }
}

export function oneOf<T extends string>(value: string, choices: readonly T[], what: string): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    throw new ScriptError(`${what} must be one of ${choices.join(', ')}, not ${value}`);
  }
  return choice;
}

function wholeNumber(text: string, what: string): number {
  if (!/^-?\d+$/.test(text)) throw new ScriptError(`${what} must be a number, not ${text}`);
  return Number(text);
}
