import type { ApplicationStateMachine, CommandAt } from 'd-engine';
import type { BankAnswer, BankCommand } from './messages.ts';
import { decode, encode } from './messages.ts';

/**
 * Accounts and their balances, the same on every member. No command makes money or loses any but
 * `deposit`, and none leaves a balance below zero.
 */
export class Bank implements ApplicationStateMachine {
  readonly #balances = new Map<string, number>();

  apply(command: Uint8Array, _at: CommandAt): Uint8Array {
    // Whatever a client sent is here by now: what makes no sense is answered, never thrown.
    const read = decode(command);
    return encode(read === undefined ? { ok: false, reason: 'unreadable' } : this.#run(read));
  }

  /** An account's name; all of them for an empty request. */
  query(request: Uint8Array): Uint8Array {
    const name = new TextDecoder().decode(request);
    if (name === '') return encode(Object.fromEntries(this.#sorted()));
    const balance = this.#balances.get(name);
    if (balance === undefined) throw new Error(`no account of ${name}`);
    return encode(balance);
  }

  snapshot(): Iterable<Uint8Array> {
    return [encode(this.#sorted())];
  }

  async restore(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of bytes) pieces.push(piece);
    const balances = JSON.parse(Buffer.concat(pieces).toString()) as [string, number][];
    for (const [name, balance] of balances) this.#balances.set(name, balance);
  }

  #run(command: BankCommand): BankAnswer {
    const { amount } = command;
    if (!Number.isSafeInteger(amount) || amount <= 0) {
      return { ok: false, reason: 'an amount is a whole number above zero' };
    }
    if (command.type === 'deposit') return this.#add(command.to, amount);
    const balance = this.#balances.get(command.from) ?? 0;
    if (balance < amount) return { ok: false, reason: `${command.from} has only ${balance}` };
    this.#add(command.from, -amount);
    return this.#add(command.to, amount);
  }

  #add(name: string, amount: number): BankAnswer {
    const balance = (this.#balances.get(name) ?? 0) + amount;
    this.#balances.set(name, balance);
    return { ok: true, balance };
  }

  /** In an order that all members share, whatever way their maps came about. */
  #sorted(): [string, number][] {
    return [...this.#balances].sort(([one], [other]) => (one < other ? -1 : 1));
  }
}
