import { describe, expect, test } from 'vitest';
import { type Flushable, TurnFlusher } from '../../src/http2/turn-flusher.ts';

class Connection implements Flushable {
  flushes = 0;

  flush(): void {
    this.flushes += 1;
  }
}

function start(): { flusher: TurnFlusher; later: (() => void)[] } {
  const later: (() => void)[] = [];
  const flusher = new TurnFlusher({ afterPoll: (callback) => void later.push(callback) });
  return { flusher, later };
}

describe('what connections have to send', () => {
  test('leaves once what has arrived was read, in one write each', () => {
    const { flusher, later } = start();
    const [one, other] = [new Connection(), new Connection()];
    flusher.add(one);
    flusher.add(other);
    expect([one.flushes, other.flushes, later.length]).toEqual([0, 0, 1]);
    later[0]?.();
    expect([one.flushes, other.flushes]).toEqual([1, 1]);
  });

  test('leaves at the end of a batch, which leaves nothing for later', () => {
    const { flusher, later } = start();
    const one = new Connection();
    flusher.batch(() => {
      flusher.add(one);
      expect(one.flushes).toBe(0);
    });
    expect([one.flushes, later.length]).toEqual([1, 0]);
  });

  test('leaves also when the batch fails, and what came before it leaves along', () => {
    const { flusher, later } = start();
    const [early, one] = [new Connection(), new Connection()];
    flusher.add(early);
    const fail = (): void => {
      flusher.add(one);
      throw new Error('within');
    };
    expect(() => flusher.batch(fail)).toThrow('within');
    expect([early.flushes, one.flushes]).toEqual([1, 1]);
    later[0]?.();
    expect([early.flushes, one.flushes]).toEqual([1, 1]);
    flusher.add(one);
    expect(later).toHaveLength(2);
  });
});
