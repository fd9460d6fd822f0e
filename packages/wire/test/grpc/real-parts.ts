import { randomBytes } from 'node:crypto';
import { gunzip, gzip } from 'node:zlib';
import type { Clock, Compute, Random, Schedule } from '@d-engine/base';
import type { GrpcEnv } from '../../src/grpc/grpc-network.ts';

// The machine's clock and loop, for tests over real sockets.

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
  setTimer(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};

const random: Random = {
  float: () => Math.random(),
  bytes: (length) => randomBytes(length),
};

const schedule: Schedule = {
  afterPoll: (callback) => {
    setImmediate(callback);
  },
};

const compute: Compute = {
  gzip: (bytes) =>
    new Promise((resolve, reject) => {
      gzip(bytes, (error, packed) => (error === null ? resolve(packed) : reject(error)));
    }),
  gunzip: (bytes, maxBytes) =>
    new Promise((resolve, reject) => {
      gunzip(bytes, { maxOutputLength: maxBytes }, (error, plain) =>
        error === null ? resolve(plain) : reject(error),
      );
    }),
  sha256: () => Promise.reject(new Error('not needed here')),
};

export const realParts: GrpcEnv = { clock, random, schedule, compute };
