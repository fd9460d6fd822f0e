import { encodeEntries, InvariantViolation, MalformedMessage } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { entryChunks } from '../src/append-codec.ts';
import {
  decodePeerFrame,
  encodePeerFrame,
  methodOfPlane,
  type PeerFrame,
  planeOf,
  planeOfMethod,
  planes,
  travelsOn,
} from '../src/index.ts';

const vote: PeerFrame = { type: 'voteResponse', term: 4, preVote: false, granted: true };
const payloads = (count: number): { kind: 4; payload: Uint8Array }[] =>
  Array.from({ length: count }, (_, index) => ({ kind: 4, payload: Uint8Array.of(index) }));

function append(
  entries: ReturnType<typeof encodeEntries>,
  prevLogIndex = 9,
): PeerFrame & { type: 'appendRequest' } {
  const head = { term: 2, leaderCommit: 8, token: 5, stickinessMs: 1000, prevLogTerm: 2 };
  return { type: 'appendRequest', ...head, prevLogIndex, entries };
}

describe('planes', () => {
  test('a message on the wrong plane is our defect when sent and theirs when received', () => {
    expect(() => encodePeerFrame('data', vote)).toThrow(InvariantViolation);
    const encoded = encodePeerFrame('control', vote);
    expect(() => decodePeerFrame('data', encoded)).toThrow(MalformedMessage);
    expect(decodePeerFrame('control', encoded)).toEqual(vote);
  });

  test('hellos open every plane, entries travel on data, votes and heartbeats on control', () => {
    for (const plane of planes) expect(travelsOn('hello', plane)).toBe(true);
    expect(planeOf('appendRequest')).toBe('data');
    expect(planeOf('forwardWrite')).toBe('data');
    expect(planeOf('heartbeatRequest')).toBe('control');
    expect(planeOf('timeoutNowRequest')).toBe('control');
    expect(planeOf('readIndexRequest')).toBe('control');
  });

  test('each plane is a method of the peer service', () => {
    for (const plane of planes) expect(planeOfMethod(methodOfPlane(plane))).toBe(plane);
    expect(planeOfMethod('d_engine.client.RaftClientService/Watch')).toBeUndefined();
  });
});

describe('append requests', () => {
  test('entries of one batch are one chunk, whatever its number', () => {
    const first = encodeEntries(payloads(40), 10, 2, 7);
    const second = encodeEntries(payloads(3), 50, 2, 7);
    expect(entryChunks(append([...first, ...second])).map((chunk) => chunk.length)).toEqual([
      40 * 33,
      3 * 33,
    ]);
  });

  test('decoded entries are views into the message', () => {
    const encoded = encodePeerFrame('data', append(encodeEntries(payloads(2), 10, 2, 7)));
    const frame = decodePeerFrame('data', encoded) as PeerFrame & { type: 'appendRequest' };
    expect(frame.entries).toHaveLength(2);
    for (const entry of frame.entries) expect(entry.encoded.buffer).toBe(encoded.buffer);
  });

  test('a gap between entries is refused on both sides', () => {
    const entries = encodeEntries(payloads(2), 10, 2, 7);
    expect(() => encodePeerFrame('data', append(entries, 10))).toThrow(InvariantViolation);
    const skewed = encodePeerFrame('data', append(entries));
    skewed[skewed.indexOf(0x28) + 1] = 8;
    expect(() => decodePeerFrame('data', skewed)).toThrow(/stands where 9 must/);
  });

  test('two messages in one frame are refused', () => {
    const one = encodePeerFrame('control', vote);
    expect(() => decodePeerFrame('control', Buffer.concat([one, one]))).toThrow(/two messages/);
  });
});
