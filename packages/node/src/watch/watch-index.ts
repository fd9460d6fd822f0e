import { RangeIndex } from './range-index.ts';
import type { WatchSelection } from './watch-selection.ts';

/** Who watches a key: nobody else is looked at when it changes. */
export class WatchIndex<Member> {
  /** By the bytes of the key, one character each. */
  readonly #byKey = new Map<string, Set<Member>>();
  readonly #ranges = new RangeIndex<Member>();

  add(selection: WatchSelection, member: Member): void {
    if (selection.type === 'range') {
      this.#ranges.add(selection.start, selection.end, member);
      return;
    }
    const name = nameOf(selection.key);
    const members = this.#byKey.get(name);
    if (members === undefined) this.#byKey.set(name, new Set([member]));
    else members.add(member);
  }

  remove(selection: WatchSelection, member: Member): void {
    if (selection.type === 'range') {
      this.#ranges.remove(selection.start, selection.end, member);
      return;
    }
    const name = nameOf(selection.key);
    const members = this.#byKey.get(name);
    members?.delete(member);
    if (members?.size === 0) this.#byKey.delete(name);
  }

  /** Calls back for each member that watches the key. The index must not change meanwhile. */
  visit(key: Uint8Array, callback: (member: Member) => void): void {
    if (this.#byKey.size > 0) {
      const members = this.#byKey.get(nameOf(key));
      if (members !== undefined) for (const member of members) callback(member);
    }
    if (this.#ranges.size > 0) this.#ranges.visit(key, callback);
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
