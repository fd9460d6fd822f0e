/** What goes to the thread: a write of `length` bytes, then a sync. */
export interface FlushRequest {
  readonly id: number;
  readonly fd: number;
  readonly position: number;
  /** 0: only a sync. */
  readonly length: number;
  /** Where the bytes begin in the buffer that both sides share. */
  readonly offset: number;
}

/** What comes back: the bare id when it went well, which is the cheapest message there is. */
export type FlushResponse =
  | number
  | { readonly id: number; readonly code: string; readonly message: string };

export interface FlushThreadData {
  /** One number that rises with each request: the thread sleeps on it. */
  readonly bell: Int32Array;
  readonly shared: SharedArrayBuffer;
}

/** The first message of a thread that works. */
export const threadReady = 0;

/**
 * The thread's program, as text: a bundler needs no second file for it, and it runs the same from
 * ESM and from CommonJS. It sleeps in `Atomics.wait` rather than in its event loop, which halves
 * the time to wake it; the way back is a message, which wakes our loop as any socket would.
 */
export const flushThreadSource: string = `'use strict';
const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads');
const { fdatasyncSync, writeSync } = require('node:fs');
const { bell } = workerData;
const shared = new Uint8Array(workerData.shared);

function flush({ fd, position, length, offset }) {
  let done = 0;
  while (done < length) {
    const written = writeSync(fd, shared, offset + done, length - done, position + done);
    if (written === 0) throw new Error('a write wrote nothing');
    done += written;
  }
  fdatasyncSync(fd);
}

let heard = 0;
parentPort.postMessage(${threadReady});
for (;;) {
  const received = receiveMessageOnPort(parentPort);
  if (received === undefined) {
    // A request is posted before the bell rings, so one that came meanwhile ends this at once.
    Atomics.wait(bell, 0, heard);
    heard = Atomics.load(bell, 0);
    continue;
  }
  const { id } = received.message;
  try {
    flush(received.message);
    parentPort.postMessage(id);
  } catch (error) {
    parentPort.postMessage({ id, code: String(error.code), message: String(error.message) });
  }
}
`;
