/**
 * Why a holding is ended by its budget: others need the bytes, or it has not moved for too long.
 */
export type BudgetEnd = 'over' | 'late';

/** What one connection holds of a budget. */
interface Account {
  readonly holdings: Set<Holding>;
  bytes: number;
  /** Looks of the timer since anything of the connection last moved. */
  quietTicks: number;
}

/** The time limit is measured in this many looks: a process that stood still counts only one. */
const ticksPerLimit = 8;
/** One look may come right after the last move; after two nothing has moved for a while. */
const stuckTicks = 2;

/**
 * Bytes that strangers can make a process hold, with one bound for all of them. When it is
 * reached, whoever holds most gives way: a connection that hoards loses its own calls, and another
 * one, which holds less, is served as if the hoarder were not there.
 */
export class ByteBudget {
  readonly #bytesMax: number;
  readonly #accounts: Map<object, Account> = new Map();
  readonly #timer: NodeJS.Timeout;
  #heldBytes = 0;

  /** A holding that has not moved for `limitMs` is ended. */
  constructor(bytesMax: number, limitMs: number) {
    this.#bytesMax = bytesMax;
    this.#timer = setInterval(() => this.#tick(), Math.max(1, limitMs / ticksPerLimit));
    this.#timer.unref();
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** `onEnd` is called at most once, after the bytes were given back, and never after `release`. */
  open(connection: object, onEnd: (end: BudgetEnd, stuck: boolean) => void): Holding {
    let account = this.#accounts.get(connection);
    if (account === undefined) {
      account = { holdings: new Set(), bytes: 0, quietTicks: 0 };
      this.#accounts.set(connection, account);
    }
    const opened = account;
    const holding: Holding = new Holding(opened, onEnd, {
      take: (bytes) => this.#take(opened, holding, bytes),
      giveBack: (bytes) => this.#giveBack(connection, opened, holding, bytes),
    });
    opened.holdings.add(holding);
    return holding;
  }

  #take(account: Account, holding: Holding, bytes: number): boolean {
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

  #giveBack(connection: object, account: Account, holding: Holding, bytes: number): void {
    this.#heldBytes -= bytes;
    account.bytes -= bytes;
    account.holdings.delete(holding);
    if (account.holdings.size > 0) return;
    // A later account of the same connection may stand in its place already.
    if (this.#accounts.get(connection) === account) this.#accounts.delete(connection);
  }

  #largestAccount(): Account | undefined {
    let largest: Account | undefined;
    for (const account of this.#accounts.values()) {
      if (largest === undefined || account.bytes > largest.bytes) largest = account;
    }
    return largest;
  }

  #tick(): void {
    for (const account of [...this.#accounts.values()]) {
      account.quietTicks += 1;
      for (const holding of [...account.holdings]) {
        holding.ticks += 1;
        if (holding.ticks > ticksPerLimit) holding.end('late');
      }
    }
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
  bytes = 0;
  /** Looks of the timer since it last moved. */
  ticks = 0;
  readonly #account: Account;
  readonly #onEnd: (end: BudgetEnd, stuck: boolean) => void;
  readonly #budget: {
    readonly take: (bytes: number) => boolean;
    readonly giveBack: (bytes: number) => void;
  };
  #released = false;

  constructor(
    account: Account,
    onEnd: (end: BudgetEnd, stuck: boolean) => void,
    budget: {
      readonly take: (bytes: number) => boolean;
      readonly giveBack: (bytes: number) => void;
    },
  ) {
    this.#account = account;
    this.#onEnd = onEnd;
    this.#budget = budget;
  }

  /** Takes more. False: there is not as much, nothing was taken, and the call should be refused. */
  grow(bytes: number): boolean {
    if (this.#released || !this.#budget.take(bytes)) return false;
    this.bytes += bytes;
    return true;
  }

  /** Its time starts anew. */
  moved(): void {
    this.ticks = 0;
    this.#account.quietTicks = 0;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#account.quietTicks = 0;
    this.#budget.giveBack(this.bytes);
  }

  /** Only for the budget. */
  end(why: BudgetEnd): void {
    if (this.#released) return;
    const stuck = this.#account.quietTicks >= stuckTicks;
    this.#released = true;
    this.#budget.giveBack(this.bytes);
    this.#onEnd(why, stuck);
  }
}
