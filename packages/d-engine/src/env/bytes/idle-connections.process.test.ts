import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ByteStreamHandler } from '@d-engine/base';
import { expect, it } from 'vitest';
import { scaled } from '../../../../../tools/test-scale.ts';
import { portOf } from '../test/network-kit.ts';
import { SocketNetwork } from './byte-network.ts';
import { until } from './test/byte-kit.ts';

/** The system allows a process some 20,000 open files on usual machines. */
const connections = scaled({ gate: 2_000, long: 10_000 });
/** 3 KiB are measured: two sockets' objects, one of which the server only counts by. */
const bytesEachMax = 6_144;

/** Opens them from a process of its own, which has as many files open. */
function startClient(port: number): ChildProcess {
  const script = `
    const { connect } = require('node:net');
    let left = ${connections};
    const open = () => {
      if (left-- <= 0) return;
      const socket = connect(${port}, '127.0.0.1', () => {
        socket.write('PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n');
        open();
      });
    };
    for (let lane = 0; lane < 50; lane++) open();
  `;
  return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit'] });
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** On the heap and beside it, of what is still in use. */
function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it('idle connections cost some kilobytes each, and nothing once they are gone', async () => {
  const network = new SocketNetwork();
  let receivedBytes = 0;
  const handler: ByteStreamHandler = {
    onBytes: (bytes) => {
      receivedBytes += bytes.length;
    },
    onEnd: () => undefined,
    onClose: () => undefined,
  };
  const takesHttp1 = { http1: () => undefined };
  const listener = await network.listen('127.0.0.1:0', () => handler, takesHttp1);
  const round = async (): Promise<number> => {
    receivedBytes = 0;
    const before = usedBytes();
    const client = startClient(portOf(listener.address));
    try {
      await until(() => receivedBytes === connections * 24, 120_000);
      expect(network.openSockets).toBe(connections);
      return (usedBytes() - before) / connections;
    } finally {
      client.kill();
      await once(client, 'exit');
      listener.destroySockets();
      await until(() => network.openSockets === 0, 120_000);
    }
  };
  const eachBytes = [await round()];
  const between = usedBytes();
  for (let count = 0; count < 2; count++) eachBytes.push(await round());
  const after = usedBytes();
  expect(Math.max(...eachBytes)).toBeLessThan(bytesEachMax);
  expect(after - between).toBeLessThan(between / 10);
  await network.close();
});
