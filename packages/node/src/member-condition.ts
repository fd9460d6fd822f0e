import type { NodeCondition } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';

/** Why this member must not serve although it runs, if so. The first reason stays. */
export class MemberCondition {
  #refusal: DEngineError | undefined;
  #stopping = false;

  /** The cluster knows this node id by another directory, or this cluster is not the one meant. */
  refuse(error: DEngineError): boolean {
    if (this.#refusal !== undefined) return false;
    this.#refusal = error;
    return true;
  }

  /** A peer took this member's hello after all: the operator has put things right. */
  accept(): boolean {
    const wasRefused = this.#refusal !== undefined;
    this.#refusal = undefined;
    return wasRefused;
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Set when requests must be turned away, whatever they ask. */
  get closed(): DEngineError | undefined {
    if (this.#stopping) return new DEngineError('Stopped', 'this member is stopping: ask another');
    return this.#refusal;
  }

  describe(formed: boolean): { condition: NodeCondition; reason: string | null } {
    if (this.#refusal !== undefined) {
      return { condition: 'refused', reason: this.#refusal.message };
    }
    if (formed) return { condition: 'normal', reason: null };
    return { condition: 'forming', reason: 'the cluster has not formed yet' };
  }
}
