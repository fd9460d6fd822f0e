import { expect, test } from 'vitest';
import { parseFlags } from '../src/flags.ts';

test('without flags: a hundred runs of a minute, drawn by their seeds', () => {
  expect(parseFlags([])).toMatchObject({
    seed: undefined,
    trace: false,
    runs: 100,
    nodes: undefined,
    durationMs: 60_000,
    preset: 'swarm',
    jobs: 1,
  });
});

test('every flag is understood', () => {
  const text = '--runs 3 --minutes 2 --jobs 2 --preset votes --first 7 --stop-at-first --strict';
  expect(parseFlags(text.split(' '))).toMatchObject({
    runs: 3,
    minutes: 2,
    jobs: 2,
    preset: 'votes',
    first: 7,
    stopAtFirst: true,
    strict: true,
  });
  const one = parseFlags(['--seed', '42', '--trace', '--fingerprint', 'ab-1']);
  expect(parseFlags(['--minutes', '1'])).toMatchObject({ runs: Infinity });
  expect(parseFlags(['--nodes', '5'])).toMatchObject({ nodes: 5, transport: undefined });
  expect(parseFlags(['--transport', 'bytes'])).toMatchObject({ transport: 'bytes' });
  expect(parseFlags(['--strategy', 'mixed'])).toMatchObject({ strategy: 'mixed' });
  expect(one).toMatchObject({ seed: 42, trace: true, fingerprint: 'ab-1' });
});

test.each([
  [['--sed', '1'], /unknown option --sed/],
  [['--seed'], /--seed needs a number/],
  [['--fingerprint', 'ab-1'], /--fingerprint .* needs --seed/],
  [['--seed', '1', '--runs', '5', '--jobs', '2'], /--seed plays one run: leave out --runs, --jobs/],
  [['--seed', '1', '--strict'], /leave out --strict/],
  [['--runs', '0'], /--runs needs a number, whole and at least 1/],
  [['--minutes', '0'], /--minutes needs a number/],
  [['--jobs', '1.5'], /--jobs needs a number/],
  [['--trace', '--jobs', '2'], /leave one out/],
  [['--nodes', '5', '--preset', 'leases'], /--nodes goes with the swarm alone/],
  [['--nodes', '8'], /--nodes needs a number from 1 to 7/],
  [['--nodes', '0'], /--nodes needs a number from 1 to 7/],
  [['--preset', 'nice'], /--preset nice: there are swarm, /],
  [['--transport', 'pigeon'], /--transport pigeon: there are messages, bytes/],
  [['--strategy', 'NoDisk'], /--strategy NoDisk: there are DiskFirst, MemFirst, mixed/],
  [['--transport'], /--transport : there are messages, bytes/],
])('%s is refused', (words, message) => {
  expect(() => parseFlags(words)).toThrow(message);
});
