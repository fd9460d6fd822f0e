import type { ByteStream, ByteStreamHandler, CallerCertificate } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { HpackEncoder } from '../hpack/hpack-encoder.ts';
import { asBuffer } from './as-buffer.ts';
import { errorCodes, settingIds, windowBytesMax } from './codes.ts';
import { ConnectionTimes } from './connection-times.ts';
import { FloodGuard } from './flood-guard.ts';
import { checkStrayFrame } from './frame-rules.ts';
import { FrameWriter } from './frame-writer.ts';
import { ConnectionError, closedByPeer, reasonOf } from './http2-error.ts';
import { http2Limits } from './http2-limits.ts';
import type { Http2Context, Http2Options } from './http2-options.ts';
import type { Http2Stream, StreamConnection, StreamEnd } from './http2-stream.ts';
import { type FrameTarget, type HeaderBlock, IncomingFrames } from './incoming-frames.ts';
import { PeerSettings } from './peer-settings.ts';
import { ReceiveFlow } from './receive-flow.ts';
import type { ReceiveWindow } from './receive-window.ts';
import { type PastStream, RecentStreams } from './recent-streams.ts';
import { changeSendWindows, type OutputOwner, StreamOutput } from './stream-output.ts';
import type { Ticking } from './ticker.ts';
import type { Flushable } from './turn-flusher.ts';

const done: StreamEnd = Object.freeze({ kind: 'done' });
/** Numbers of our own PINGs: one that asks for a sign of life, and one that measures. */
const keepAlivePing = 1;
const measuringPing = 2;

/** A connection is stuck when nothing at all has moved for this part of the time for a stall. */
const stuckPart = 4;

/** Gives a connection its stream of bytes. */
export type OpenBytes = (handler: ByteStreamHandler) => ByteStream;

/** One end of an HTTP/2 connection (RFC 9113): what both roles have in common. */
export abstract class Http2Connection
  implements ByteStreamHandler, FrameTarget, StreamConnection, OutputOwner, Flushable, Ticking
{
  readonly peer: PeerSettings = new PeerSettings();
  /** Those that are not over. */
  readonly streams: Map<number, Http2Stream> = new Map();
  protected options: Http2Options;
  protected readonly writer: FrameWriter;
  protected readonly recent: RecentStreams = new RecentStreams();
  /** Why the connection ended; for readers. */
  endReason: string | undefined;
  /** What the stream of bytes ended with. */
  endError: Error | undefined;
  /**
   * `draining`: one side has said that it takes no new streams. `closing`: nothing is read any
   * more, and what was written last is on its way.
   */
  protected state: 'open' | 'draining' | 'closing' | 'closed' = 'open';
  /** The newest stream of the peer. */
  protected lastPeerStreamId = 0;
  readonly #context: Http2Context;
  readonly #transport: ByteStream;
  readonly #guard: FloodGuard;
  readonly #incoming: IncomingFrames;
  readonly #encoder: HpackEncoder;
  readonly #output: StreamOutput;
  #times: ConnectionTimes;
  #flow: ReceiveFlow;
  readonly #stallTicks: number;
  #isReading = false;
  #flushAsked = false;
  #readingPaused = false;
  #unacknowledgedSettings = 0;
  #lingerTicks = 0;

  constructor(options: Http2Options, context: Http2Context, openBytes: OpenBytes) {
    const { ticker } = context;
    this.options = options;
    this.#context = context;
    this.#guard = new FloodGuard(ticker.periodMs);
    this.#incoming = new IncomingFrames(this, this.#guard, options);
    this.#encoder = new HpackEncoder({ maxTableBytes: options.headerTableBytes });
    this.#times = new ConnectionTimes(options, ticker);
    this.#stallTicks = ticker.ticksOf(options.stallTimeoutMs);
    this.#transport = openBytes(this);
    this.writer = new FrameWriter(this.#transport);
    this.#flow = new ReceiveFlow(options, context.clock, this.writer);
    this.#output = new StreamOutput(this.writer, this.#encoder, this.peer, this.#guard, this);
    this.#transport.tune?.(options.tuning);
    ticker.add(this);
  }

  /** What a stream's peer may have under way. */
  get streamWindowBytes(): number {
    return this.#flow.streamWindowBytes;
  }

  /** What the peer may have under way on all streams. */
  get receiveWindow(): ReceiveWindow {
    return this.#flow.connectionWindow;
  }

  get localHost(): string | undefined {
    return this.#transport.localHost;
  }

  get certificate(): CallerCertificate | undefined {
    return this.#transport.certificate;
  }

  /** Nothing can be sent any more, and nothing comes. */
  get isOver(): boolean {
    return this.state === 'closing' || this.state === 'closed';
  }

  // ---- from the stream of bytes ----

  onBytes(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.#times.heard();
    this.#isReading = true;
    try {
      this.read(asBuffer(bytes));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error.code, error.message);
    } finally {
      this.#isReading = false;
      this.flush();
    }
  }

  onDrain(): void {
    this.writer.drained();
    this.flush();
    if (!this.#readingPaused || this.writer.isBlocked) return;
    this.#readingPaused = false;
    this.#transport.resume();
  }

  onEnd(): void {
    if (!this.isOver) this.#finish(closedByPeer);
  }

  onClose(error: Error | undefined): void {
    if (this.state === 'closed') return;
    this.endError = error;
    if (!this.isOver) this.#endStreams(reasonOf(error));
    this.state = 'closed';
    this.#context.ticker.delete(this);
    this.onGone();
  }

  // ---- the whole connection ----

  /** Takes no new streams; closes when those that are open are over (section 6.8). */
  drain(): void {
    if (this.state !== 'open') return;
    this.writer.goaway(this.lastPeerStreamId, errorCodes.noError, '');
    this.state = 'draining';
    this.finishIfDrained();
    this.requestFlush();
  }

  /** Ends it at once, with what is open on it. */
  destroy(reason: string): void {
    if (this.state === 'closed') return;
    if (!this.isOver) this.#endStreams(reason);
    this.state = 'closing';
    this.#transport.destroy();
  }

  /** The peer is told why, as far as it still reads. */
  fail(code: number, message: string): void {
    if (this.isOver) return;
    this.writer.goaway(this.lastPeerStreamId, code, message);
    this.#finish(message);
  }

  /** What was gathered leaves at the end of this read, or of this turn. */
  requestFlush(): void {
    if (this.#isReading || this.#flushAsked) return;
    this.#flushAsked = true;
    this.#context.flusher.add(this);
  }

  flush(): void {
    this.#flushAsked = false;
    if (this.state === 'closed') return;
    if (this.#output.hasWaiting && !this.isOver && !this.#output.pump()) this.requestFlush();
    this.writer.flush();
    const isStuck = this.#transport.bufferedBytes > http2Limits.unsentBytesMax;
    if (!isStuck || this.#readingPaused || !this.writer.isBlocked) return;
    this.#readingPaused = true;
    this.#transport.pause();
  }

  onTick(): void {
    if (this.state === 'closing') {
      this.#lingerTicks += 1;
      const lingerTicks = this.#context.ticker.ticksOf(http2Limits.lingerMs);
      if (this.#lingerTicks > lingerTicks) this.#transport.destroy();
      return;
    }
    this.#guard.tick();
    this.#checkTimes();
    if (this.isOver) return;
    for (const stream of this.#output.tick(this.#stallTicks)) this.#endStalled(stream);
    for (const stream of this.streams.values()) stream.receiver.onTick();
    this.flush();
  }

  // ---- for streams ----

  maySend(): boolean {
    return this.#output.maySend();
  }

  fits(stream: Http2Stream, bytes: number): boolean {
    return this.#output.fits(stream, bytes);
  }

  writeHeaders(stream: Http2Stream, headers: HeaderList, endStream: boolean): void {
    this.#output.writeHeaders(stream, headers, endStream);
    this.#times.asked();
    this.requestFlush();
  }

  writeData(
    stream: Http2Stream,
    first: Uint8Array,
    second: Uint8Array,
    endStream: boolean,
  ): boolean {
    this.#times.asked();
    this.requestFlush();
    return this.#output.writeData(stream, first, second, endStream);
  }

  writeEnd(stream: Http2Stream): void {
    this.#output.writeEnd(stream);
    this.requestFlush();
  }

  addWaiting(stream: Http2Stream): void {
    this.#output.add(stream);
    this.requestFlush();
  }

  resetStream(stream: Http2Stream, code: number): void {
    this.writer.rstStream(stream.id, code);
    this.#forget(stream, 'reset here');
    this.finishIfDrained();
    this.requestFlush();
  }

  consume(stream: Http2Stream, bytes: number): void {
    // What is left when a stream ends is taken as consumed then.
    if (stream.isClosed) return;
    stream.unreadBytes -= bytes;
    this.consumeUnread(stream, bytes);
  }

  onEndedHere(stream: Http2Stream): void {
    if (stream.state === 'open') stream.state = 'half closed (local)';
    else {
      this.#forget(stream, 'ended');
      stream.receiver.onClose(done);
      this.finishIfDrained();
    }
  }

  // ---- from frames ----

  abstract onHeaders(block: HeaderBlock): void;
  /** A stream of this number never began. */
  protected abstract isIdle(streamId: number): boolean;
  abstract onGoaway(lastStreamId: number, code: number, message: string): void;
  /** The peer's first SETTINGS are here. */
  protected abstract onReady(): void;
  /** A stream is over. */
  protected onRoom(): void {
    // Of no interest to those who open none.
  }
  /** Nothing goes over the connection any more. */
  protected abstract onEnded(): void;
  /** The stream of bytes is closed. */
  protected abstract onGone(): void;

  onStrayFrame(type: number, streamId: number): void {
    checkStrayFrame(type, this.isIdle(streamId), this.recent.get(streamId));
    this.#guard.ignored();
  }

  onContent(bytes: number): void {
    if (this.#flow.received(bytes)) this.writer.ping(measuringPing);
  }

  onEndedThere(stream: Http2Stream): void {
    if (stream.contentBytesLeft > 0) {
      this.failStream(stream.id, errorCodes.protocolError);
      return;
    }
    if (stream.state === 'open') {
      stream.state = 'half closed (remote)';
      stream.receiver.onEnd();
      return;
    }
    this.#forget(stream, 'ended');
    stream.receiver.onEnd();
    stream.receiver.onClose(done);
    this.finishIfDrained();
  }

  onReset(stream: Http2Stream, code: number): void {
    this.#guard.reset();
    this.#forget(stream, 'reset there');
    const end: StreamEnd =
      code === errorCodes.refusedStream
        ? { kind: 'unprocessed' }
        : { kind: 'reset', code, byPeer: true };
    stream.receiver.onClose(end);
    this.finishIfDrained();
  }

  onSettings(bytes: Buffer, start: number, end: number): void {
    const { peer } = this;
    const windowBefore = peer.streamWindowBytes;
    for (let at = start; at < end; at += 6) {
      peer.apply(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
    }
    const change = peer.streamWindowBytes - windowBefore;
    if (change !== 0) changeSendWindows(this.streams.values(), change);
    this.#encoder.setMaxTableBytes(peer.headerTableBytes);
    this.writer.settingsAck();
    this.onReady();
  }

  onSettingsAck(): void {
    if (this.#unacknowledgedSettings > 0) this.#unacknowledgedSettings -= 1;
    this.#times.acknowledged();
  }

  onPing(bytes: Buffer, start: number): void {
    this.writer.pingAck(bytes, start);
  }

  onPingAck(number: number): void {
    if (number !== measuringPing) return;
    const windowBytes = this.#flow.measured(this.streams.values());
    if (windowBytes !== undefined)
      this.#sendSettings([[settingIds.initialWindowSize, windowBytes]]);
  }

  onWindowUpdate(stream: Http2Stream | undefined, increment: number): void {
    if (stream === undefined) {
      this.#output.windowBytes += increment;
      if (this.#output.windowBytes <= windowBytesMax) return;
      throw new ConnectionError(errorCodes.flowControlError, 'the window is too large');
    }
    stream.sendWindowBytes += increment;
    if (stream.sendWindowBytes > windowBytesMax) {
      this.failStream(stream.id, errorCodes.flowControlError);
    }
  }

  failStream(streamId: number, code: number): void {
    this.#guard.reset();
    this.writer.rstStream(streamId, code);
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    this.#forget(stream, 'reset here');
    stream.receiver.onClose({ kind: 'reset', code, byPeer: false });
    this.finishIfDrained();
  }

  consumeUnread(stream: Http2Stream | undefined, bytes: number): void {
    this.#flow.consume(stream, bytes);
    this.requestFlush();
  }

  // ---- for the roles ----

  /** Other options than it began with; only before this side has said its first SETTINGS. */
  protected configure(options: Http2Options): void {
    this.options = options;
    this.#incoming.maxFrameBytes = options.maxFrameBytes;
    this.#times = new ConnectionTimes(options, this.#context.ticker);
    this.#flow = new ReceiveFlow(options, this.#context.clock, this.writer);
    this.#transport.tune?.(options.tuning);
  }

  protected read(bytes: Buffer): void {
    this.#incoming.reader.read(bytes);
  }

  /** What this side says first, behind the preface of a client. */
  protected sendFirstSettings(role: readonly (readonly [number, number])[]): void {
    const { options } = this;
    this.#sendSettings([
      ...role,
      [settingIds.headerTableSize, options.headerTableBytes],
      [settingIds.initialWindowSize, options.streamWindowBytes],
      [settingIds.maxFrameSize, options.maxFrameBytes],
      [settingIds.maxHeaderListSize, options.maxHeaderListBytes],
    ]);
    this.#flow.growConnection(options.connectionWindowBytes);
    this.requestFlush();
  }

  protected finishIfDrained(): void {
    if (this.state === 'draining' && this.streams.size === 0) this.#finish(undefined);
  }

  /** A frame that means nothing any more; too many of them do. */
  protected ignoreFrame(): void {
    this.#guard.ignored();
  }

  /** What the peer said before the connection ended. */
  protected noteReason(reason: string): void {
    this.endReason ??= reason;
  }

  /** Ends streams that the peer will not look at. */
  protected endStream(stream: Http2Stream, end: StreamEnd): void {
    this.#forget(stream, 'reset there');
    stream.receiver.onClose(end);
  }

  // ---- within ----

  #sendSettings(pairs: readonly (readonly [number, number])[]): void {
    this.writer.settings(pairs);
    this.#unacknowledgedSettings += 1;
    this.requestFlush();
  }

  #checkTimes(): void {
    const due = this.#times.tick({
      settings: this.#unacknowledgedSettings > 0 || !this.#incoming.sawSettings,
      headers: this.#incoming.isWithinHeaders,
      life: this.options.keepAliveWhileIdle || this.streams.size > 0,
    });
    switch (due.kind) {
      case 'nothing':
        break;
      case 'ping':
        this.writer.ping(keepAlivePing);
        break;
      case 'fail':
        this.fail(due.code, due.message);
        break;
      case 'gone':
        this.destroy(due.reason);
        break;
    }
  }

  /**
   * A connection that takes nothing of all that it asked for may have its bytes in the socket
   * already, where resetting a stream does not free them; nor would the peer hear of the reset.
   */
  #endStalled(stream: Http2Stream): void {
    if (this.isOver || stream.isClosed) return;
    if (this.#output.quietTicks * stuckPart > this.#stallTicks)
      this.destroy('the peer takes nothing');
    else this.failStream(stream.id, errorCodes.enhanceYourCalm);
  }

  #forget(stream: Http2Stream, how: PastStream): void {
    stream.state = 'closed';
    this.streams.delete(stream.id);
    this.recent.set(stream.id, how);
    if (how === 'ended') this.#guard.answered();
    if (stream.pending !== undefined) this.#output.delete(stream);
    if (stream.unreadBytes > 0) this.consumeUnread(undefined, stream.unreadBytes);
    this.onRoom();
  }

  /** What was written leaves; then the stream of bytes ends. */
  #finish(reason: string | undefined): void {
    // Before the streams hear of it: what was gathered does leave, and counts as sent.
    this.writer.flush();
    this.#endStreams(reason ?? 'the connection was closed');
    this.#transport.end();
  }

  #endStreams(reason: string): void {
    this.endReason ??= reason;
    this.state = 'closing';
    this.#incoming.reader.stop();
    const streams = [...this.streams.values()];
    this.streams.clear();
    this.onEnded();
    for (const stream of streams) {
      stream.state = 'closed';
      stream.pending = undefined;
      stream.receiver.onClose({ kind: 'lost', reason });
    }
  }
}
