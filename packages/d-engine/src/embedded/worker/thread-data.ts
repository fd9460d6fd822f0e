import type { LogFields, Logger, LogLevel } from '@d-engine/base';
import type { LoadedConfig } from '../../config/index.ts';
import type { ToHost } from './bridge-messages.ts';

/** What the engine's thread is started with. */
export interface ThreadData {
  readonly loaded: LoadedConfig;
  /** The levels that the host's logger takes; undefined: the thread writes a file of its own. */
  readonly logLevels: readonly LogLevel[] | undefined;
  /** The host counts. */
  readonly hasMetrics: boolean;
}

/** On the engine's thread: a logger whose lines the host's logger gets. */
export function relayLogger(levels: readonly LogLevel[], post: (line: ToHost) => void): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (levels.includes(level)) post({ type: 'log', level, message, fields });
    };
  return {
    enabled: (level) => levels.includes(level),
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    always: (message, fields) => post({ type: 'log', level: 'always', message, fields }),
  };
}
