import type { NodeCondition } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';

/** Why this member must not serve although it runs, if so. */
export class MemberCondition {
  /** By who refused it: a peer, or the member itself beside an older cluster. */
  readonly #refusals = new Map<string, DEngineError>();
  #stopping = false;

  /** The cluster knows this node id by another directory, or another cluster is the right one. */
  refuse(by: string, error: DEngineError): void {
    this.#refusals.set(by, error);
  }

  /** Whoever refused it takes it after all. True when that changed anything. */
  accept(by: string): boolean {
    return this.#refusals.delete(by);
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Set when requests must be turned away, whatever they ask. */
  get closed(): DEngineError | undefined {
    if (this.#stopping) return new DEngineError('Stopped', 'this member is stopping: ask another');
    return this.#refusal;
  }

  get #refusal(): DEngineError | undefined {
    for (const refusal of this.#refusals.values()) return refusal;
    return undefined;
  }

  describe(formed: boolean): { condition: NodeCondition; reason: string | null } {
    const refusal = this.#refusal;
    if (refusal !== undefined) return { condition: 'refused', reason: refusal.message };
    if (formed) return { condition: 'normal', reason: null };
    return { condition: 'forming', reason: 'the cluster has not formed yet' };
  }
}
