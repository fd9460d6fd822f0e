import type { Ticker, Ticking } from '../http2/ticker.ts';

/**
 * Why a holding is ended by its budget: others need the bytes, or it has not moved for too long.
 */
export type BudgetEnd = 'over' | 'late';

/** What one connection holds of a budget. */
interface Account {
  readonly holdings: Set<Holding>;
  bytes: number;
}

/** Whose holding it is. */
export interface HoldingOwner {
  /** At most once, after the bytes were given back, and never after `release`. */
  onBudgetEnd(end: BudgetEnd): void;
}

/**
 * Bytes that strangers can make a process hold, with one bound for all of them. When it is
 * reached, whoever holds most gives way: a connection that hoards loses its own calls, and another
 * one, which holds less, is served as if the hoarder were not there.
 */
export class ByteBudget implements Ticking {
  readonly #bytesMax: number;
  readonly #limitTicks: number;
  readonly #ticker: Ticker;
  readonly #accounts: Map<object, Account> = new Map();
  #heldBytes = 0;

  /** A holding that has not moved for `limitMs` is ended. */
  constructor(bytesMax: number, limitMs: number, ticker: Ticker) {
    this.#bytesMax = bytesMax;
    this.#limitTicks = ticker.ticksOf(limitMs);
    this.#ticker = ticker;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  open(connection: object, owner: HoldingOwner): Holding {
    let account = this.#accounts.get(connection);
    if (account === undefined) {
      account = { holdings: new Set(), bytes: 0 };
      this.#accounts.set(connection, account);
      if (this.#accounts.size === 1) this.#ticker.add(this);
    }
    const holding = new Holding(this, connection, owner);
    account.holdings.add(holding);
    return holding;
  }

  onTick(): void {
    for (const account of [...this.#accounts.values()]) {
      for (const holding of [...account.holdings]) {
        holding.ticks += 1;
        if (holding.ticks > this.#limitTicks) holding.end('late');
      }
    }
  }

  /** For holdings: takes bytes, if need be from whoever holds most. */
  take(holding: Holding, bytes: number): boolean {
    const account = this.#accounts.get(holding.connection);
    if (account === undefined) return false;
    while (this.#heldBytes + bytes > this.#bytesMax) {
      const other = this.#largestAccount();
      if (other === undefined || other.bytes <= account.bytes + bytes) return false;
      const victim = largestHolding(other);
      if (victim === undefined || victim === holding) return false;
      victim.end('over');
    }
    this.#heldBytes += bytes;
    account.bytes += bytes;
    return true;
  }

  /** For holdings: one that is over. */
  giveBack(holding: Holding): void {
    const account = this.#accounts.get(holding.connection);
    if (account?.holdings.delete(holding) !== true) return;
    this.#heldBytes -= holding.bytes;
    account.bytes -= holding.bytes;
    if (account.holdings.size > 0) return;
    this.#accounts.delete(holding.connection);
    if (this.#accounts.size === 0) this.#ticker.delete(this);
  }

  #largestAccount(): Account | undefined {
    let largest: Account | undefined;
    for (const account of this.#accounts.values()) {
      if (largest === undefined || account.bytes > largest.bytes) largest = account;
    }
    return largest;
  }
}

function largestHolding(account: Account): Holding | undefined {
  let largest: Holding | undefined;
  for (const holding of account.holdings) {
    if (largest === undefined || holding.bytes > largest.bytes) largest = holding;
  }
  return largest;
}

/** What one call holds of a budget. */
export class Holding {
  readonly connection: object;
  bytes = 0;
  /** Ticks since it last moved. */
  ticks = 0;
  readonly #budget: ByteBudget;
  readonly #owner: HoldingOwner;
  #released = false;

  constructor(budget: ByteBudget, connection: object, owner: HoldingOwner) {
    this.#budget = budget;
    this.connection = connection;
    this.#owner = owner;
  }

  /** Takes more. False: there is not as much, nothing was taken, and the call should be refused. */
  grow(bytes: number): boolean {
    if (this.#released || !this.#budget.take(this, bytes)) return false;
    this.bytes += bytes;
    return true;
  }

  /** Its time starts anew. */
  moved(): void {
    this.ticks = 0;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#budget.giveBack(this);
  }

  /** Only for the budget. */
  end(why: BudgetEnd): void {
    if (this.#released) return;
    this.release();
    this.#owner.onBudgetEnd(why);
  }
}
