import type { LogFields, LogLevel } from '@d-engine/base';
import type { EngineState } from '../engine-host.ts';
import type { SeriesChange } from './metrics-relay.ts';
import type { SentError } from './sent-error.ts';

/** What a call across the bridge is addressed to. */
export type BridgeTarget = 'client' | 'engine';

/** From the host to the engine's thread. */
export type ToEngine =
  | {
      readonly type: 'call' | 'iterate';
      readonly id: number;
      readonly target: BridgeTarget;
      readonly method: string;
      readonly args: readonly unknown[];
      /** The last argument had a signal, which may still abort. */
      readonly hasSignal: boolean;
    }
  | { readonly type: 'abort'; readonly id: number; readonly reason: SentError }
  /** The next item of an iteration is wanted. */
  | { readonly type: 'next'; readonly id: number }
  | { readonly type: 'endIteration'; readonly id: number };

/** What became of a call, or the next item of an iteration. */
export type Answer =
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'item'; readonly id: number; readonly value: unknown }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'failure'; readonly id: number; readonly error: SentError };

/** From the engine's thread to the host. */
export type ToHost =
  | Answer
  | {
      readonly type: 'started';
      readonly nodeId: number;
      readonly address: string | undefined;
      readonly state: EngineState;
    }
  | { readonly type: 'notStarted'; readonly error: SentError }
  | { readonly type: 'state'; readonly state: EngineState }
  | {
      readonly type: 'log';
      readonly level: LogLevel | 'always';
      readonly message: string;
      readonly fields: LogFields | undefined;
    }
  | { readonly type: 'metrics'; readonly changes: readonly SeriesChange[] }
  | { readonly type: 'closed'; readonly reason: SentError | undefined };

/** The two ends of a channel, as far as the bridge uses them. */
export interface BridgePort<Sent> {
  postMessage(message: Sent): void;
}
