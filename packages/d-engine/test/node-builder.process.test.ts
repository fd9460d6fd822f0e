import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplicationStateMachine } from 'd-engine';
import { EmbeddedEngine, MemoryStorage, NodeBuilder } from 'd-engine';
import { connect } from 'd-engine/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../tools/cluster/free-ports.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (given: Uint8Array | undefined): string => Buffer.from(given ?? []).toString();

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'd-engine-builder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Adds numbers up. */
class Sum implements ApplicationStateMachine {
  #sum = 0;

  apply(command: Uint8Array): Uint8Array {
    this.#sum += Number(text(command));
    return bytes(String(this.#sum));
  }

  query(request: Uint8Array): Uint8Array {
    if (request.length > 0) throw new Error(`no such question: ${text(request)}`);
    return bytes(String(this.#sum));
  }

  *snapshot(): Iterable<Uint8Array> {
    yield bytes(String(this.#sum));
  }

  async restore(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of pieces) this.#sum = Number(text(piece));
  }
}

describe('a node put together by its builder', () => {
  async function settings(): Promise<{ dataDir: string; environment: Record<string, string> }> {
    const [port] = await freePorts(1);
    const environment = { RAFT__CLUSTER__LISTEN_ADDRESS: `127.0.0.1:${port}` };
    return { dataDir: join(newFolder(), 'data'), environment };
  }

  test('serves, gets ready, runs until the signal, and shuts down', async () => {
    const abort = new AbortController();
    const node = new NodeBuilder(await settings(), abort.signal).build();
    await node.startRpcServer();
    await node.ready();
    const running = node.run();
    const client = connect({ endpoints: [node.engine.address as string] });
    await client.put('key', 'value');
    expect(text((await node.engine.client().get('key'))?.value)).toBe('value');
    await client.close();
    abort.abort();
    await running;
    expect(node.engine.isStopped).toBe(true);
    await node.gracefulShutdown();
  });

  test('says at once what is wrong with its settings, and what was called too early', async () => {
    const { signal } = new AbortController();
    const wrong = { config: { cluster: { node_id: 'one' } }, environment: {} };
    expect(() => new NodeBuilder(wrong, signal).build()).toThrow(/node_id/);
    const node = new NodeBuilder(await settings(), signal).build();
    expect(() => node.engine).toThrow('call startRpcServer() first');
    await node.gracefulShutdown();
    const other = await node.startRpcServer();
    await expect(node.startRpcServer()).rejects.toThrow('was started already');
    await other.gracefulShutdown();
  });

  test('keeps its files in the storage that it is given', async () => {
    const storage = new MemoryStorage();
    const given = await settings();
    const run = async (write: boolean): Promise<string> => {
      const builder = new NodeBuilder(given, new AbortController().signal).storage(storage);
      const node = await builder.build().startRpcServer();
      if (write) await node.engine.client().put('key', 'kept');
      const entry = await node.engine.client().get('key');
      await node.gracefulShutdown();
      return text(entry?.value);
    };
    expect(await run(true)).toBe('kept');
    expect(await run(false)).toBe('kept');
    expect(existsSync(join(given.dataDir, 'identity.json'))).toBe(false);
  });
});

describe('a state machine of the host', () => {
  const one = (dataDir: string, more: object = {}): Promise<EmbeddedEngine> =>
    EmbeddedEngine.start({ dataDir, environment: {}, stateMachine: () => new Sum(), ...more });

  test('answers commands and questions, and is what it was after a restart', async () => {
    const dataDir = newFolder();
    const environment = { RAFT__RAFT__SNAPSHOT__MAX_LOG_ENTRIES_BEFORE_SNAPSHOT: '3' };
    const engine = await one(dataDir, { environment });
    for (const amount of [1, 2, 3, 4, 5, 6]) await engine.propose(bytes(String(amount)));
    const { result, revision } = await engine.propose(bytes('-21'));
    expect(text(result)).toBe('0');
    const more = await engine.propose(bytes('7'), { deadlineMs: 5_000 });
    expect(more.revision).toBeGreaterThan(revision);
    for (const consistency of ['linearizable', 'lease', 'eventual'] as const) {
      expect(text((await engine.query(bytes(''), { consistency })).result)).toBe('7');
    }
    await expect(engine.query(bytes('why'))).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'no such question: why',
    });
    await engine.stop();
    const again = await one(dataDir, { environment });
    expect(text((await again.query(bytes(''))).result)).toBe('7');
    await again.stop();
  });

  test('has no keys, and the store takes no commands of a machine', async () => {
    const engine = await one(newFolder());
    const put = engine.client().put('key', 'value');
    await expect(put).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(await engine.client().get('key')).toBeNull();
    await engine.stop();
    const store = await EmbeddedEngine.start({ dataDir: newFolder(), environment: {} });
    await expect(store.propose(bytes('1'))).rejects.toMatchObject({ name: 'Unsupported' });
    await expect(store.query(bytes(''))).rejects.toMatchObject({ name: 'Unsupported' });
    await store.stop();
    const threaded = one(newFolder(), { thread: 'worker' });
    await expect(threaded).rejects.toMatchObject({ name: 'Unsupported' });
  });

  test('that throws at a command stops its member, and the host lives', async () => {
    class Broken extends Sum {
      override apply(): Uint8Array {
        throw new Error('a defect of the host');
      }
    }
    const engine = await one(newFolder(), { stateMachine: () => new Broken() });
    await expect(engine.propose(bytes('1'))).rejects.toMatchObject({ mayHaveBeenApplied: true });
    expect((await engine.closed)?.message).toContain('a defect of the host');
  });
});
