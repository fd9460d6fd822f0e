import { join } from 'node:path';
import type { Clock, Env, Logger } from '@d-engine/base';
import type { RecoveredState } from '@d-engine/raft';
import { historyIdOf } from '@d-engine/raft';
import type {
  ApplicationFactory,
  OpenStateMachine,
  StateMachine,
  StateMachineContext,
  Storage,
} from '@d-engine/storage';
import {
  openApplication,
  openMemoryStateMachine,
  openStorage,
  StateBeyondLog,
} from '@d-engine/storage';
import type { Applier } from './applier.ts';
import { randomId } from './random-id.ts';
import type { NodeSettings } from './settings.ts';

/** Below the data directory: what a state machine on disk keeps there. */
const stateDirectoryName = 'state';

export interface MemberState {
  readonly stateMachine: StateMachine;
  /** What Raft begins with: all that the state holds was committed. */
  readonly recovered: RecoveredState;
}

type Told = Pick<StateMachineContext, 'onEntryApplied' | 'onDurable' | 'onFailure'>;

/** The data directory, of this member alone. */
export function openMemberStorage(
  env: Env,
  settings: NodeSettings,
  logger: Logger,
): Promise<Storage> {
  return openStorage({
    disk: env.disk,
    compute: env.compute,
    directory: settings.dataDirectory,
    nodeId: settings.nodeId,
    newInstanceId: () => randomId(env.random),
    strategy: settings.strategy,
    logger,
    segmentBytes: settings.segmentBytes,
    snapshots: {
      directory: settings.snapshots.directory,
      prefix: settings.snapshots.namePrefix,
      compress: settings.snapshots.compress,
    },
  });
}

/** Opens the state of a member beside its log, and makes sure that the two belong together. */
export async function openMemberState(
  options: Told & {
    /** Instead of the key-value store. */
    readonly application?: ApplicationFactory | undefined;
    /** The one in memory unless given. */
    readonly openStateMachine?: OpenStateMachine | undefined;
    readonly storage: Storage;
    readonly dataDirectory: string;
    readonly logger: Logger;
  },
): Promise<MemberState> {
  const { storage, logger } = options;
  const { recovered, identity } = storage;
  const stateMachine = await openerOf(options)({
    directory: join(options.dataDirectory, stateDirectoryName),
    owner: identity.instanceId,
    readHistoryId: historyIdOf,
    onEntryApplied: options.onEntryApplied,
    onDurable: options.onDurable,
    onFailure: options.onFailure,
  });
  try {
    const doubt = doubtAbout(stateMachine, storage);
    if (doubt !== undefined) {
      logger.warn(`the state on disk is made again from the snapshot and the log: ${doubt}`);
      await stateMachine.clear();
    }
    checkAgainstLog(stateMachine, recovered);
    const commitIndex = Math.max(recovered.commitIndex, stateMachine.appliedIndex);
    return { stateMachine, recovered: { ...recovered, commitIndex } };
  } catch (error) {
    await stateMachine.close();
    throw error;
  }
}

function openerOf(options: {
  readonly application?: ApplicationFactory | undefined;
  readonly openStateMachine?: OpenStateMachine | undefined;
}): OpenStateMachine {
  if (options.application !== undefined) return openApplication(options.application);
  return options.openStateMachine ?? openMemoryStateMachine;
}

/** Why the state is not to be relied on, though it is whole. */
function doubtAbout(state: StateMachine, { recovered, identity }: Storage): string | undefined {
  if (state.appliedIndex === 0) return undefined;
  if (identity.divergedAt !== null) return 'it was found to be another than that of a quorum';
  // What was committed in the memories of others may be replaced, if all of them forgot it.
  const isVouchedFor = !recovered.recovering || state.appliedIndex <= recovered.commitIndex;
  return isVouchedFor ? undefined : 'the last run may have lost what it is ahead of the log by';
}

/** The log must hold what was applied; what is below its first entry, a snapshot holds. */
function checkAgainstLog(state: StateMachine, recovered: RecoveredState): void {
  const { appliedIndex: stateIndex, appliedTerm: stateTerm } = state;
  const { lastIndex, firstIndex } = recovered;
  if (stateIndex < firstIndex - 1) return;
  const logTerm = stateIndex > lastIndex ? undefined : termAt(recovered, stateIndex);
  if (logTerm !== stateTerm)
    throw new StateBeyondLog({ stateIndex, stateTerm, lastIndex, logTerm });
}

function termAt(recovered: RecoveredState, index: number): number {
  const started = recovered.termStarts.findLast((start) => start.index <= index);
  return started?.term ?? recovered.precedingTerm;
}

/** The state goes on from what is on disk, then from what is committed behind it. */
export async function resumeState(applier: Applier, clock: Clock, logger: Logger): Promise<void> {
  const startedAtMs = clock.monotonicMs();
  const loaded = await applier.resume();
  if (loaded === undefined) return;
  logger.info('snapshot loaded', {
    index: loaded.header.index,
    keys: loaded.keyCount,
    took_ms: Math.round(clock.monotonicMs() - startedAtMs),
  });
}
