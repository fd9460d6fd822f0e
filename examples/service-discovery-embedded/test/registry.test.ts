import { expect, onTestFinished, test } from 'vitest';
import { startTestCluster } from '../../../packages/d-engine/src/testing.ts';
import type { Instance, RegistryChange } from '../src/registry.ts';
import { Registry } from '../src/registry.ts';

const instance = (id: string, address: string): Instance => ({ service: 'payment', id, address });

test('a watcher starts from what is there and hears of every change behind it', async () => {
  const cluster = await startTestCluster({ nodes: 3 });
  onTestFinished(() => cluster.stop());
  const registry = new Registry(cluster.client());
  await registry.register(instance('a', 'old:1'));
  await registry.register({ service: 'other', id: 'x', address: 'x:1' });
  const abort = new AbortController();
  const changes = registry.watch('payment', abort.signal);
  const next = async (): Promise<RegistryChange | undefined> => {
    const { value } = await changes.next();
    return value ?? undefined;
  };
  expect(await next()).toEqual({ type: 'all', instances: [instance('a', 'old:1')] });
  await registry.register(instance('a', 'new:1'));
  expect(await next()).toEqual({ type: 'came', instance: instance('a', 'new:1'), before: 'old:1' });
  await registry.register({ service: 'other', id: 'y', address: 'y:1' });
  await registry.register(instance('b', 'b:1'));
  expect(await next()).toEqual({ type: 'came', instance: instance('b', 'b:1'), before: undefined });
  await registry.unregister('payment', 'a');
  expect(await next()).toEqual({ type: 'went', instance: instance('a', 'new:1') });
  abort.abort();
  expect(await next()).toBeUndefined();
});

test('more instances than fit in a page are all there', async () => {
  const cluster = await startTestCluster({ nodes: 1 });
  onTestFinished(() => cluster.stop());
  const registry = new Registry(cluster.client());
  const ids = Array.from({ length: 250 }, (_, at) => String(at).padStart(3, '0'));
  await Promise.all(ids.map((id) => registry.register(instance(id, `${id}:1`))));
  const abort = new AbortController();
  const first = await registry.watch('payment', abort.signal).next();
  expect(first.value).toEqual({ type: 'all', instances: ids.map((id) => instance(id, `${id}:1`)) });
});
