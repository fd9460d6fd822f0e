import type {
  DEngineError,
  Entry,
  Env,
  Instant,
  LogIndex,
  NodeId,
  Timer,
  WriteId,
} from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Effects, Outgoing, Persist, Raft, RaftMessage, Sender } from '@d-engine/raft';
import type { Storage } from '@d-engine/storage';
import type { Applier } from './applier.ts';
import type { FlushPolicy } from './log-flusher.ts';
import { LogFlusher } from './log-flusher.ts';
import type { NodeMetrics } from './node-metrics.ts';
import type { Proposals } from './proposals.ts';
import type { Reads } from './reads.ts';
import type { TimeKeeper } from './time-keeper.ts';

/** What the loop tells the rest of the member, within the turn. */
export interface TurnObserver {
  send(messages: readonly Outgoing[]): void;
  /** After every batch of effects, before the next turn. */
  onEffects(effects: Effects, at: Instant): void;
  /** More of the log is durable, before anything that follows from it leaves. */
  onDurable(): void;
  onStall(blockedMs: number): void;
  /** Why a proposal or a read was refused, for its caller. */
  refusal(reason: string): DEngineError;
  onFailure(error: unknown): void;
}

interface Received {
  readonly sender: Sender;
  readonly message: RaftMessage;
}

/** A turn that applied and persisted this often lets the event loop have its turn first. */
const roundsPerTurnMax = 16;

/**
 * One turn of the event loop is one batch: everything that arrived since the last turn goes to
 * Raft, then one write to the log, the messages to the peers and the answers to callers leave.
 * A turn is asked for by whatever arrives, so a lone request never waits.
 */
export class TurnLoop {
  readonly #env: Env;
  readonly #raft: Raft;
  readonly #storage: Storage;
  readonly #applier: Applier;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #timeKeeper: Pick<TimeKeeper, 'onTurn'>;
  readonly #observer: TurnObserver;
  readonly #metrics: NodeMetrics;
  readonly #stallMs: number;
  readonly #flusher: LogFlusher;
  #received: Received[] = [];
  #persisted: WriteId = 0;
  /** Invariant: writes complete in the order of their ids. */
  #persistedSeen: WriteId = 0;
  #scheduled = false;
  #stopped = false;
  #timer: Timer | undefined;
  /** When the timer is due; a look at it later than this tells that the loop was blocked. */
  #timerDueAtMs = Number.POSITIVE_INFINITY;
  /** A due timer after a stall waits until one more poll phase has brought what was pending. */
  #lookAgain = false;

  constructor(options: {
    env: Env;
    raft: Raft;
    storage: Storage;
    applier: Applier;
    proposals: Proposals;
    reads: Reads;
    timeKeeper: Pick<TimeKeeper, 'onTurn'>;
    observer: TurnObserver;
    metrics: NodeMetrics;
    electionTimeoutMinMs: number;
    flushPolicy: FlushPolicy;
  }) {
    this.#env = options.env;
    this.#raft = options.raft;
    this.#storage = options.storage;
    this.#applier = options.applier;
    this.#proposals = options.proposals;
    this.#reads = options.reads;
    this.#timeKeeper = options.timeKeeper;
    this.#observer = options.observer;
    this.#metrics = options.metrics;
    this.#stallMs = options.electionTimeoutMinMs / 2;
    this.#flusher = new LogFlusher(options.env.clock, options.flushPolicy, (persist) => {
      this.#persist(persist);
    });
  }

  receive(sender: Sender, message: RaftMessage): void {
    if (this.#stopped) return;
    this.#received.push({ sender, message });
    this.request();
  }

  /** Asks for a turn; many requests make one turn. */
  request(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#env.schedule.afterPoll(() => this.#turn());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#received = [];
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    try {
      // The messages and answers of a turn leave with it.
      this.#env.network.batch(() => this.#runTurn());
    } catch (error) {
      this.#observer.onFailure(error);
    }
  }

  #runTurn(): void {
    const at = this.#env.clock.now();
    this.#takeReceived(at);
    this.#takePersisted(at);
    this.#tick(at);
    this.#timeKeeper.onTurn(at);
    this.#proposals.propose(this.#raft, at, (reason) => this.#observer.refusal(reason));
    if (this.#proposals.hasQueued) this.#metrics.fullTurns.add();
    this.#reads.start(this.#raft, at);
    this.#carryOut(at);
    this.#applier.tellDurable();
    if (this.#proposals.hasQueued || this.#applier.isBehind || this.#lookAgain) this.request();
    this.#armTimer(at);
  }

  #takeReceived(at: Instant): void {
    const received = this.#received;
    if (received.length === 0) return;
    this.#received = [];
    for (const { sender, message } of received) this.#raft.step(sender, message, at);
  }

  #takePersisted(at: Instant): void {
    if (this.#persisted === this.#persistedSeen) return;
    this.#persistedSeen = this.#persisted;
    this.#raft.persisted(this.#persisted, at);
    this.#observer.onDurable();
  }

  /**
   * A host that blocked the loop must not cause elections: what the peers sent meanwhile is still
   * in the sockets, so after a stall the clock is looked at again one poll phase later.
   */
  #tick(at: Instant): void {
    if (at.monotonicMs < this.#raft.nextTickAtMs()) {
      this.#lookAgain = false;
      return;
    }
    const lateMs = at.monotonicMs - this.#timerDueAtMs;
    if (lateMs > this.#stallMs && !this.#lookAgain) {
      this.#lookAgain = true;
      this.#observer.onStall(lateMs);
      return;
    }
    this.#lookAgain = false;
    this.#raft.tick(at);
  }

  /** Runs effects and apply until nothing follows from them any more. */
  #carryOut(at: Instant): void {
    for (let round = 0; round < roundsPerTurnMax; round++) {
      const applied = this.#applier.applyNext();
      if (!this.#raft.hasEffects()) {
        if (applied) continue;
        return;
      }
      const effects = this.#raft.takeEffects();
      if (effects.persist !== undefined) this.#flusher.add(effects.persist);
      if (effects.messages.length > 0) {
        this.#metrics.sent(effects.messages, this.#raft.lastLogIndex);
        this.#observer.send(effects.messages);
      }
      for (const read of effects.reads) {
        this.#reads.resolve(read, () => this.#observer.refusal('readRefused'));
      }
      for (const wanted of effects.entriesWanted) {
        this.#readForPeer(wanted.peer, wanted.from, wanted.to, wanted.bytesMax);
      }
      this.#observer.onEffects(effects, at);
    }
    this.request();
  }

  /** Hands over to the storage what waits for it: the member stops in good order. */
  flush(): void {
    this.#flusher.flush();
  }

  #persist(persist: Persist): void {
    const startedAtMs = this.#env.clock.monotonicMs();
    this.#metrics.persistEntries.observe(persist.entries.length);
    this.#storage
      .write(persist)
      .then(() => {
        this.#metrics.persistMs.observe(this.#env.clock.monotonicMs() - startedAtMs);
        assert(persist.writeId > this.#persisted, 'writes completed out of order');
        this.#persisted = persist.writeId;
        this.request();
      })
      .catch((error: unknown) => this.#observer.onFailure(error));
  }

  #readForPeer(peer: NodeId, from: LogIndex, to: LogIndex, bytesMax: number): void {
    this.#storage
      .readEntries(from, to, bytesMax)
      .then((entries: readonly Entry[]) => {
        if (this.#stopped) return;
        this.#raft.entriesRead(peer, entries, this.#env.clock.now());
        this.request();
      })
      .catch((error: unknown) => this.#observer.onFailure(error));
  }

  /**
   * Keeps a timer that fires no later than Raft needs it. An earlier one is left alone: it finds
   * out when it fires, which is cheaper than setting it anew with every heartbeat.
   */
  #armTimer(at: Instant): void {
    if (this.#stopped) return;
    const dueAtMs = this.#raft.nextTickAtMs();
    if (this.#timer !== undefined && this.#timerDueAtMs <= dueAtMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueAtMs = dueAtMs;
    if (dueAtMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, dueAtMs - at.monotonicMs);
    this.#timer = this.#env.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.request();
    });
  }
}
