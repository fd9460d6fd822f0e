import { describeError } from '@d-engine/base';
import { ConfigError } from './config/index.ts';
import type { RunningEngine, RunSource } from './standalone-engine.ts';
import { StandaloneEngine } from './standalone-engine.ts';

/** Exit codes of a node's process. */
export const exitCodes = { stopped: 0, fatal: 1, cannotStart: 2 } as const;

/**
 * Runs a node as this whole process: log on standard output, SIGINT and SIGTERM stop it gracefully
 * (a second one at once), SIGHUP reopens the log file and reads certificates anew. Returns the exit
 * code: 2 when the node could not start, with the reason on standard error.
 */
export async function runProcess(source: RunSource): Promise<number> {
  const abort = new AbortController();
  let engine: RunningEngine | undefined;
  const onStopSignal = (): void => {
    if (abort.signal.aborted) process.exit(exitCodes.fatal);
    abort.abort();
  };
  // Whoever read the output may go away (a closed terminal, `| head`); the log file goes on.
  const onOutputError = (): void => undefined;
  process.stdout.on('error', onOutputError);
  process.stderr.on('error', onOutputError);
  // Also while it starts: whoever rotates logs must not end it.
  const onHangUp = (): void => {
    engine?.reopenLog();
    engine?.reloadCertificates().catch((error: unknown) => {
      process.stderr.write(`d-engine: ${describeError(error)}\n`);
    });
  };
  process.on('SIGHUP', onHangUp);
  process.on('SIGINT', onStopSignal);
  process.on('SIGTERM', onStopSignal);
  try {
    await StandaloneEngine.run(source, {
      signal: abort.signal,
      echoLog: (lines) => process.stdout.write(lines),
      onListening: (running) => {
        engine = running;
      },
    });
    return exitCodes.stopped;
  } catch (error) {
    const what = error instanceof ConfigError ? error.message : describeError(error);
    process.stderr.write(`d-engine: ${what}\n`);
    return engine === undefined ? exitCodes.cannotStart : exitCodes.fatal;
  } finally {
    process.off('SIGHUP', onHangUp);
    process.off('SIGINT', onStopSignal);
    process.off('SIGTERM', onStopSignal);
  }
}
