export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Where a node says what it does. Implementations must not throw and must not block. */
export interface Logger {
  /** Ask before building costly fields. */
  enabled(level: LogLevel): boolean;
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Printed at every level: the few lines that operators search for (`Became leader ...`). */
  always(message: string, fields?: LogFields): void;
}

const nothing = (): void => undefined;

/** Says nothing; for tests and for hosts that want silence. */
export const silentLogger: Logger = {
  enabled: () => false,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  always: nothing,
};
