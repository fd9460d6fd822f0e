import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningEngine } from 'd-engine';
import { StandaloneEngine } from 'd-engine';
import { connect } from 'd-engine/client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../../../tools/cluster/free-ports.ts';
import { httpCall } from '../../../tools/cluster/http-call.ts';

interface RunningNode {
  readonly engine: RunningEngine;
  readonly finished: Promise<void>;
  readonly abort: AbortController;
}

/** A single node inside this process, on free ports, in a folder that ends with the test. */
async function startHere(
  dataDir: string,
  environment: Record<string, string>,
): Promise<RunningNode> {
  const abort = new AbortController();
  const { signal } = abort;
  const started: { finished?: Promise<void> } = {};
  const engine = await new Promise<RunningEngine>((resolve, reject) => {
    started.finished = StandaloneEngine.run(
      { dataDir },
      { signal, environment, onListening: resolve },
    );
    started.finished.catch(reject);
  });
  return { engine, finished: started.finished ?? Promise.resolve(), abort };
}

async function newFolder(): Promise<{ dataDir: string; environment: Record<string, string> }> {
  const folder = mkdtempSync(join(tmpdir(), 'd-engine-here-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [port] = await freePorts(1);
  const environment = {
    RAFT__CLUSTER__LISTEN_ADDRESS: `127.0.0.1:${port}`,
    METRICS_PORT: '0',
    LOG_DIR: join(folder, 'logs'),
  };
  return { dataDir: join(folder, 'data'), environment };
}

test('a node in the host process is a guest: no signal handler, no output, no exit', async () => {
  const { dataDir, environment } = await newFolder();
  const writes = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
  const exits = vi.spyOn(process, 'exit');
  const handlers = () =>
    ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'exit'].map(
      (event) => process.listenerCount(event),
    );
  const before = handlers();
  const { engine, finished, abort } = await startHere(dataDir, environment);
  expect(handlers()).toEqual(before);
  await engine.client.put('here', 'value');
  const entry = await engine.client.get('here', { consistency: 'linearizable' });
  expect(Buffer.from(entry?.value ?? []).toString()).toBe('value');
  expect(engine.status()).toMatchObject({ nodeId: 1, role: 'leader', condition: 'normal' });

  const client = connect({ endpoints: [engine.address] });
  expect(Buffer.from((await client.get('here'))?.value ?? []).toString()).toBe('value');
  await client.close();
  expect((await httpCall(engine.metricsAddress, 'GET', '/ready')).status).toBe(200);

  abort.abort();
  await finished;
  expect(handlers()).toEqual(before);
  const calls = [...writes, exits].flatMap((spy) => spy.mock.calls as unknown[][]);
  for (const spy of [...writes, exits]) spy.mockRestore();
  expect(calls).toEqual([]);
  await expect(httpCall(engine.address, 'GET', '/status')).rejects.toThrow('ECONNREFUSED');
});

test('what a node in the host process wrote is there at its next run', async () => {
  const { dataDir, environment } = await newFolder();
  const first = await startHere(dataDir, environment);
  const { revision } = await first.engine.client.put('kept', 'value');
  first.abort.abort();
  await first.finished;
  const second = await startHere(dataDir, environment);
  const entry = await second.engine.client.get('kept', { consistency: 'linearizable' });
  expect(entry).toMatchObject({ modRevision: revision, version: 1 });
  expect(second.engine.status().clusterId).toBe(first.engine.status().clusterId);
  second.abort.abort();
  await second.finished;
});

test('a run that cannot start rejects, and the host lives on', async () => {
  const { dataDir, environment } = await newFolder();
  const first = await startHere(dataDir, environment);
  const again = StandaloneEngine.run({ dataDir }, { environment });
  await expect(again).rejects.toThrow(/is in use by process/);
  const wrong = StandaloneEngine.run({ configPath: join(dataDir, 'no.toml') }, { environment });
  await expect(wrong).rejects.toMatchObject({ name: 'ConfigError', code: 'CONFIG_INVALID' });
  expect(await first.engine.client.put('still', 'there')).toMatchObject({});
  first.abort.abort();
  await first.finished;
});

test('a signal that was aborted before the start still ends in a clean stop', async () => {
  const { dataDir, environment } = await newFolder();
  const signal = AbortSignal.abort();
  await StandaloneEngine.run({ dataDir }, { signal, environment });
  const { engine, finished, abort } = await startHere(dataDir, environment);
  await engine.client.put('after', 'x');
  abort.abort();
  await finished;
});
