import { expect, test } from 'vitest';
import { NodeFolder } from './support/node-folder.ts';

test('a full state refuses writes with 507, answers reads, and is emptied by deletes', async () => {
  const folder = await NodeFolder.create();
  const config = folder.config({ more: '[limits]\nmax_state_bytes = 1048576' }, 'config/n1.toml');
  await folder.start(config);
  const call = async (route: string, body: object): Promise<Response> =>
    fetch(`http://${folder.address}/${route}`, { method: 'POST', body: JSON.stringify(body) });
  const put = (number: number): Promise<Response> =>
    call('put', { key: `key-${number}`, value: 'x'.repeat(100_000) });
  const statuses: number[] = [];
  while (statuses.at(-1) !== 507 && statuses.length < 20) {
    statuses.push((await put(statuses.length)).status);
  }
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 507]);
  expect(await (await put(99)).json()).toMatchObject({
    error: { code: 10011, name: 'StateFull', retryable: false, may_have_been_applied: false },
  });
  const read = await fetch(`http://${folder.address}/get?key=key-3`);
  expect(read.status).toBe(200);
  const metrics = await fetch(`http://127.0.0.1:${folder.metricsPort}/metrics`);
  expect(await metrics.text()).toContain('d_engine_state_full_refusals_total 2\n');
  const overCli = await folder.run('put', 'k', 'x'.repeat(90_000), '--endpoints', folder.address);
  expect(overCli.code).toBe(1);
  expect(overCli.stderr).toContain('limits.max_state_bytes');
  expect((await call('delete', { key: 'key-3' })).status).toBe(200);
  expect((await put(99)).status).toBe(200);
});
