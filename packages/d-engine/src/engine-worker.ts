import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@d-engine/base';
import { LocalHost } from './embedded/local-host.ts';
import type { ToEngine, ToHost } from './embedded/worker/bridge-messages.ts';
import { BridgeServer } from './embedded/worker/bridge-server.ts';
import { MetricsRelay } from './embedded/worker/metrics-relay.ts';
import { packError } from './embedded/worker/sent-error.ts';
import type { ThreadData } from './embedded/worker/thread-data.ts';
import { relayLogger } from './embedded/worker/thread-data.ts';

// The program of the thread that `EmbeddedEngine.start({ thread: 'worker' })` starts.

const metricsIntervalMs = 1_000;

const port = parentPort;
assert(port !== null, 'this program is a thread of a host');
const post = (message: ToHost): void => port.postMessage(message);
const { loaded, logLevels, hasMetrics } = workerData as ThreadData;
const relay = hasMetrics
  ? new MetricsRelay((changes) => post({ type: 'metrics', changes }))
  : undefined;

async function run(): Promise<void> {
  const host = await LocalHost.start({
    loaded,
    logger: logLevels && relayLogger(logLevels, post),
    metrics: relay,
  });
  const server = new BridgeServer(
    { postMessage: post },
    {
      client: host.client,
      engine: {
        // Answered at once: `closed` is the last that the host hears.
        stop: () => void host.stop(),
        whyNotReady: () => host.whyNotReady(),
        noteFailedListener: (message: string) => host.noteFailedListener(message),
        async renderMetrics(): Promise<string> {
          const text = await host.renderMetrics();
          relay?.flush();
          return text;
        },
      },
    },
  );
  const { nodeId, address, state } = host;
  post({ type: 'started', nodeId, address, state: state.current });
  state.onChange(() => post({ type: 'state', state: state.current }));
  port?.on('message', (message: ToEngine) => server.onMessage(message));
  const timer = relay && setInterval(() => relay.flush(), metricsIntervalMs);
  const reason = await host.closed;
  clearInterval(timer);
  relay?.flush();
  post({ type: 'closed', reason: reason && packError(reason) });
}

run().catch((error: unknown) => post({ type: 'notStarted', error: packError(error) }));
