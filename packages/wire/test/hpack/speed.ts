import type { HeaderList } from '../../src/hpack/header-list.ts';
import { HpackDecoder } from '../../src/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../src/hpack/hpack-encoder.ts';
import { NaiveDecoder } from './naive-hpack.ts';

// What header blocks of gRPC calls cost: node tools/run-ts.mjs packages/wire/test/hpack/speed.ts

const request: HeaderList = [
  ...[':method', 'POST', ':scheme', 'http', ':path', '/d_engine.client.RaftClientService/Write'],
  ...[':authority', '10.0.0.1:9081', 'te', 'trailers', 'content-type', 'application/grpc'],
  ...['user-agent', 'grpc-go/1.72.0', 'grpc-accept-encoding', 'gzip', 'x-tenant', 'blue'],
  ...['grpc-timeout', '5S'],
];
const response: HeaderList = [
  ...[':status', '200', 'content-type', 'application/grpc', 'grpc-encoding', 'identity'],
  ...[
    'grpc-accept-encoding',
    'gzip,deflate',
    'x-leader',
    '3',
    'x-term',
    '17',
    'server',
    'd-engine',
  ],
  ...['x-cluster', 'production', 'grpc-status', '0', 'grpc-message', ''],
];
const options = { maxTableBytes: 4096, maxHeaderListBytes: 16_384 };

function nsEach(rounds: number, run: (round: number) => void): number {
  for (let round = 0; round < rounds / 5; round++) run(round);
  let best = Infinity;
  for (let repetition = 0; repetition < 5; repetition++) {
    const start = process.hrtime.bigint();
    for (let round = 0; round < rounds; round++) run(round);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / rounds);
  }
  return best;
}

function measure(name: string, list: HeaderList): void {
  const say = (what: string, ns: number): void =>
    void process.stdout.write(
      `${name.padEnd(9)} ${what.padEnd(30)} ${ns.toFixed(0).padStart(6)} ns\n`,
    );

  const encoder = new HpackEncoder(options);
  const decoder = new HpackDecoder(options);
  const naive = new NaiveDecoder(4096);
  for (let round = 0; round < 3; round++) {
    const block = encoder.encode(list);
    decoder.decode(block);
    naive.decode(block);
  }
  const block = encoder.encode(list);
  // More deadlines than the caches hold: each block is read and written anew.
  const others = Array.from({ length: 4096 }, (_, round) => [
    ...list.slice(0, -2),
    list.at(-2) as string,
    `${round + 1_000}m`,
  ]);
  const otherBlocks = others.map((other) => encoder.encode(other));
  say(
    'decode, the same bytes',
    nsEach(1e6, () => decoder.decode(block)),
  );
  say(
    'decode, one value varies',
    nsEach(4e5, (i) => decoder.decode(otherBlocks[i & 4095] as Uint8Array)),
  );
  say(
    'decode, naive',
    nsEach(1e4, () => naive.decode(block)),
  );
  say(
    'encode, the same list',
    nsEach(1e6, () => encoder.encode(list)),
  );
  const copies = Array.from({ length: 4096 }, () => [...list]);
  say(
    'encode, equal lists',
    nsEach(4e5, (i) => encoder.encode(copies[i & 4095] as HeaderList)),
  );
  say(
    'encode, one value varies',
    nsEach(4e5, (i) => encoder.encode(others[i & 4095] as HeaderList)),
  );
  const first = new HpackEncoder(options).encode(list);
  say(
    `decode, first of a connection`,
    nsEach(2e5, () => new HpackDecoder(options).decode(first)),
  );
  say(
    `encode, first of a connection`,
    nsEach(2e5, () => new HpackEncoder(options).encode(list)),
  );
}

measure('request', request);
measure('response', response);
