import { assert, limits } from '@d-engine/base';

interface Question {
  readonly askedMs: number;
  readonly readIds: readonly number[];
}

const none: readonly number[] = [];

/**
 * Reads that a follower or learner asked its leader about. Reads of one turn share a question,
 * which is named after the first of them.
 */
export class ForwardedReads {
  #gathering: number[] = [];
  // In the order of asking, so the first one is the oldest.
  readonly #asked: Map<number, Question> = new Map();
  #count = 0;

  /** False when too many wait already. */
  add(readId: number): boolean {
    if (this.#count >= limits.pendingReadsMax) return false;
    this.#gathering.push(readId);
    this.#count += 1;
    return true;
  }

  /** The name of a question that has to leave now, if there is one. */
  ask(atMs: number): number | undefined {
    const name = this.#gathering[0];
    if (name === undefined) return undefined;
    assert(!this.#asked.has(name), () => `read ${name} was asked for twice`);
    this.#asked.set(name, { askedMs: atMs, readIds: this.#gathering });
    this.#gathering = [];
    return name;
  }

  /** The reads behind question `name`; none when it is not open any more. */
  answered(name: number): readonly number[] {
    const question = this.#asked.get(name);
    if (question === undefined) return none;
    this.#asked.delete(name);
    this.#count -= question.readIds.length;
    return question.readIds;
  }

  /** When the oldest question was asked. */
  oldestAskedMs(): number | undefined {
    for (const question of this.#asked.values()) return question.askedMs;
    return undefined;
  }

  /** Takes the reads of all questions asked at or before `atMs`. */
  takeAskedBefore(atMs: number): number[] {
    const taken: number[] = [];
    for (const [name, question] of this.#asked) {
      if (question.askedMs > atMs) break;
      this.#asked.delete(name);
      for (const readId of question.readIds) taken.push(readId);
    }
    this.#count -= taken.length;
    return taken;
  }

  /** Takes all: the leader they were meant for is gone. */
  takeAll(): number[] {
    const all = this.takeAskedBefore(Number.POSITIVE_INFINITY).concat(this.#gathering);
    this.#gathering = [];
    this.#count = 0;
    return all;
  }
}
