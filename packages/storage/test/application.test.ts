import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import type { ApplicationStateMachine } from '../src/index.ts';
import { ApplicationHost, applicationConformance } from '../src/index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (given: Uint8Array | null | undefined): string => Buffer.from(given ?? []).toString();

/** Appends what it is told; `fail` is a query that throws, `die` a command that does. */
class Journal implements ApplicationStateMachine {
  lines: string[] = [];

  apply(command: Uint8Array): Uint8Array {
    const line = text(command);
    if (line === 'die') throw new Error('a defect');
    if (line === '') return bytes('refused');
    this.lines.push(line);
    return bytes(`line ${this.lines.length}`);
  }

  query(request: Uint8Array): Uint8Array {
    if (text(request) === 'fail') throw new RangeError('no such page');
    return bytes(this.lines.join(','));
  }

  snapshot(): Iterable<Uint8Array> {
    return [bytes(JSON.stringify(this.lines))];
  }

  async restore(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    let whole = '';
    for await (const piece of pieces) whole += text(piece);
    this.lines = JSON.parse(whole) as string[];
  }
}

const examples = {
  commands: ['one', 'two', '', 'three', 'four'].map(bytes),
  queries: [bytes('')],
};

describe('a machine that keeps the contract', () => {
  for (const { name, run } of applicationConformance(() => new Journal(), examples))
    test(name, run);

  test('may have a state of many pieces', async () => {
    const long = { ...examples, commands: [bytes('x'.repeat(700_000)), bytes('y'), bytes('z')] };
    for (const { run } of applicationConformance(() => new Journal(), long)) await run();
  });
});

describe('the suite finds a machine that', () => {
  const broken: Readonly<Record<string, () => Journal>> = {
    'looks at something outside': () => {
      let count = 0;
      return new (class extends Journal {
        override apply(command: Uint8Array): Uint8Array {
          super.apply(command);
          count += 1;
          return bytes(`${count}${Math.random()}`);
        }
      })();
    },
    'changes when it is asked': () =>
      new (class extends Journal {
        override query(request: Uint8Array): Uint8Array {
          this.lines.push('asked');
          return super.query(request);
        }
      })(),
    'forgets some of its state in a snapshot': () =>
      new (class extends Journal {
        override snapshot(): Iterable<Uint8Array> {
          return [bytes(JSON.stringify(this.lines.slice(1)))];
        }
      })(),
    'shows later commands in a snapshot': () =>
      new (class extends Journal {
        override *snapshot(): Iterable<Uint8Array> {
          yield bytes('  ');
          yield bytes(JSON.stringify(this.lines));
        }
      })(),
  };

  test.each(Object.entries(broken))('%s', async (_, create) => {
    const outcomes = await Promise.allSettled(
      applicationConformance(create, examples).map(({ run }) => run()),
    );
    const failures = outcomes.filter(({ status }) => status === 'rejected');
    expect(failures.length).toBeGreaterThan(0);
  });
});

function hostOf(): ApplicationHost {
  return new ApplicationHost({ create: () => new Journal(), readHistoryId: () => 'h' });
}

function apply(host: ApplicationHost, ...payloads: readonly Uint8Array[]) {
  const proposals = payloads.map((payload) => ({ kind: entryKinds.command, payload }));
  return host.apply(encodeEntries(proposals, host.appliedIndex + 1, 1, 0)).results;
}

function command(value: string, key = ''): Uint8Array {
  const swap = { key: bytes(key), expected: null, value: bytes(value), ttlMs: 0 };
  return encodeWriteCommand({ type: 'compareAndSwap', ...swap });
}

test('what is no command of the machine is refused, and changes nothing', () => {
  const host = hostOf();
  const put = { type: 'put', key: bytes('k'), value: bytes('v'), ttlMs: 0 } as const;
  const results = apply(host, encodeWriteCommand(put), command('v', 'k'), bytes('garbage'));
  expect(results.map((result) => result?.type)).toEqual(['refused', 'refused', 'refused']);
  expect(text(host.get([bytes('\u0001')])[0]?.value)).toBe('\u0000');
  expect(host.get([bytes('k'), bytes('')])).toEqual([null, null]);
});

test('a query that throws is answered with its message; a command that throws is a defect', () => {
  const host = hostOf();
  expect(text(host.get([bytes('\u0001fail')])[0]?.value)).toBe('\u0001no such page');
  expect(() => apply(host, command('die'))).toThrow('a defect');
});

test('a snapshot with another hash is refused, and the state stays as it was', async () => {
  const [one, other] = [hostOf(), hostOf()];
  apply(one, command('one'), command('two'));
  const view = one.view();
  const sections = [...(view.sections() as Iterable<never>)] as {
    kind: number;
    stateHash?: string;
  }[];
  const wrong = sections.map((each) => ('stateHash' in each ? { ...each, stateHash: 'x' } : each));
  const header = { clusterId: 'c', formedAtWallMs: 0, index: 2, term: 1 };
  await expect(other.load(header, wrong as never)).rejects.toMatchObject({ name: 'StorageDamage' });
  expect([other.appliedIndex, text(other.get([bytes('\u0001')])[0]?.value)]).toEqual([0, '\u0000']);
});
