import type { Disk, Logger, Metrics } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { ApplicationFactory, OpenStateMachine } from '@d-engine/storage';
import type { Environment, LoadedConfig } from '../config/index.ts';
import { loadConfig } from '../config/index.ts';
import { readOptionalFile } from '../read-optional-file.ts';

/** A value of the configuration, as JSON would have it. */
export type ConfigSetting =
  | string
  | number
  | boolean
  | undefined
  | readonly ConfigSetting[]
  | { readonly [key: string]: ConfigSetting };

/** The tables and keys of a configuration file as an object: `{ cluster: { node_id: 1 } }`. */
export interface EngineConfig {
  readonly [table: string]: ConfigSetting;
}

/** Where the configuration comes from. */
export type EmbeddedSource =
  /** Defaults, a single member, everything in this directory. Opens no port. */
  | {
      readonly dataDir: string;
      readonly config?: undefined;
      readonly configPath?: undefined;
    }
  | {
      readonly config: EngineConfig;
      readonly dataDir?: undefined;
      readonly configPath?: undefined;
    }
  /** A TOML file; it must exist. */
  | {
      readonly configPath: string;
      readonly dataDir?: undefined;
      readonly config?: undefined;
    };

/** Where a host counts what the engine does; with `render`, the engine's port serves its text. */
export interface HostMetrics extends Metrics {
  render?(): string;
}

export interface EmbeddedOptions {
  /** `RAFT__` keys, LOG_LEVEL and LOG_DIR; process.env when absent. */
  readonly environment?: Environment;
  /** Instead of a log file of the engine's own. */
  readonly logger?: Logger;
  /** Instead of a registry of the engine's own. */
  readonly metrics?: HostMetrics;
  /**
   * `worker`: off the host's event loop, on a thread. A host that blocks its loop does not hold up
   * the member then, and each call costs a message there and one back.
   */
  readonly thread?: 'host' | 'worker';
  /**
   * A state machine of the host's own instead of the key-value store, the same on every member; see
   * {@link EmbeddedEngine.propose}. On the host's thread only.
   */
  readonly stateMachine?: ApplicationFactory;
  /** Where the key-value store keeps its state, instead of in memory. On the host's thread only. */
  readonly openStateMachine?: OpenStateMachine;
  /** Where the member keeps its files instead of the machine's disk. On the host's thread only. */
  readonly storage?: Disk;
}

export type EmbeddedStart = EmbeddedSource & EmbeddedOptions;

/** Throws ConfigError with all that is wrong. */
export function loadEmbedded(options: EmbeddedStart): LoadedConfig {
  const { dataDir, configPath, config, thread, stateMachine, storage } = options;
  const ofHost = [stateMachine, options.openStateMachine, storage];
  if (thread === 'worker' && ofHost.some((part) => part !== undefined)) {
    const message = 'a state machine or storage of the host works on its own thread only';
    throw new DEngineError('Unsupported', `${message}: leave out thread: 'worker'`);
  }
  return loadConfig({
    dataDir,
    configPath,
    // What belongs to a directory stays in it: nothing appears where the host happens to run.
    settings: dataDir === undefined ? config : { cluster: { log_dir: `${dataDir}/logs` } },
    environment: options.environment ?? process.env,
    readFile: readOptionalFile,
  });
}
