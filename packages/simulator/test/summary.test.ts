import { expect, test } from 'vitest';
import type { Counts } from '../src/counters.ts';
import { countedFromMemory, countedOver, counterNames } from '../src/counters.ts';
import type { RunResult } from '../src/jobs.ts';
import type { RunSettings } from '../src/run-seed.ts';
import type { SimulationReport } from '../src/simulate.ts';
import { formatResult, Summary } from '../src/summary.ts';

const settings: RunSettings = {
  preset: 'swarm',
  nodes: undefined,
  transport: undefined,
  strategy: undefined,
  durationMs: 60_000,
};

function result(seed: number, changes: Partial<SimulationReport> = {}): RunResult {
  const report: SimulationReport = {
    seed,
    members: 3,
    transport: 'messages',
    strategies: 'DiskFirst',
    violations: [],
    virtualMs: 61_000,
    steps: 1_000,
    operations: 600,
    answered: 500,
    counts: { 'leader changes': 4 },
    fingerprint: 'f',
    ...changes,
  };
  return { seed, cpuMs: 200, report, lastEvents: ['n1:', '  its last line'] };
}

function linesOf(results: readonly RunResult[]): string[] {
  const summary = new Summary();
  for (const each of results) summary.add(each);
  return summary.lines();
}

test('the last line: runs, simulated time, steps, operations checked, violations', () => {
  const lines = linesOf([result(1), result(2)]);
  expect(lines.at(-1)).toBe(
    'runs 2, simulated 122 s, steps 2000, operations checked 1200, violations 0',
  );
  expect(lines).toContain(
    'speed: 305 simulated seconds a second of one processor, user and system',
  );
});

test.each([{ virtualMs: 59_000 }, { operations: 499 }, { answered: 299 }])(
  'a thin run does not count: %o',
  (changes) => {
    const lines = linesOf([result(1), result(2, changes)]);
    expect(lines.at(-1)).toBe(
      'runs 1, simulated 61 s, steps 1000, operations checked 600, violations 0',
    );
    expect(lines).toContain('leader changes: 4, in 100.0% of the runs');
    expect(lines.some((line) => line.startsWith('thin: 1 runs, 50.0%, '))).toBe(true);
  },
);

test('a failed run is named, with commit, check, last events and how to replay it', () => {
  const violations = [{ check: 'liveness', text: 'nobody leads' }] as const;
  const failed = result(17, { violations, operations: 3 });
  const lines = linesOf([result(1), failed]);
  expect(lines).toContain('FAILED seed 17');
  expect(lines.at(-1)).toMatch(/^runs 2, .* violations 1 in 1 of the runs$/);
  const text = formatResult(failed, { ...settings, nodes: 5 });
  expect(text).toMatch(/commit: \w+/);
  expect(text).toContain('[liveness] nobody leads');
  expect(text).toContain('its last line');
  expect(text).toContain('npm run -s simulate -- --seed 17 --nodes 5 --trace --fingerprint f');
});

test('what happens in fewer than 5% of many runs is warned of', () => {
  const count = (counts: Counts): RunResult => result(1, { counts });
  const rare = Array.from({ length: 97 }, () => count({ 'leader changes': 2 }));
  const often = Array.from({ length: 3 }, () => count({ 'torn tails cut': 2 }));
  const lines = linesOf([...rare, ...often]);
  expect(lines).toContain('torn tails cut: 6, in 3.0% of the runs   WARNING: below 5%');
  expect(lines).toContain('leader changes: 194, in 97.0% of the runs');
  expect(lines).toContain('leader changes of a run, median: 2   WARNING: below 3');
  const few = linesOf(rare.slice(0, 10));
  expect(few).toContain('torn tails cut: 0, in 0.0% of the runs');
});

test('each transport is told with its runs and its speed, and judged by what it can do', () => {
  const runs = (count: number, changes: Partial<SimulationReport>): RunResult[] =>
    Array.from({ length: count }, () => result(1, changes));
  const cut = { 'writes cut into pieces': 1 };
  const lost = { 'messages lost': 1 };
  const all = [
    ...runs(60, { transport: 'messages', counts: lost }),
    ...runs(19, { transport: 'bytes', virtualMs: 122_000, counts: cut }),
    ...runs(21, { transport: 'bytes', virtualMs: 122_000 }),
  ];
  const lines = linesOf(all);
  expect(lines).toContain('over messages: 60 runs, 60.0%, speed 305');
  expect(lines).toContain('over bytes: 40 runs, 40.0%, speed 610');
  expect(lines).toContain('messages lost: 60, in 100.0% of the runs over messages');
  expect(lines).toContain('writes cut into pieces: 19, in 47.5% of the runs over bytes');
  const none = 'pieces sent again: 0, in 0.0% of the runs over bytes';
  expect(lines).toContain(`${none}   WARNING: below 5%`);
  // Too few of one kind say nothing about it, however many there are of the other.
  expect(linesOf(all.slice(0, -1))).toContain(none);
  expect(linesOf(runs(100, {})).some((line) => line.startsWith('over bytes'))).toBe(false);
});

/** Of so many runs, all counters of which are above zero in `rich` of them. */
function summaryOf(runs: number, rich: number, changes: Partial<SimulationReport> = {}): Summary {
  const summary = new Summary();
  const counts = Object.fromEntries(counterNames.map((name) => [name, 1]));
  for (let run = 0; run < runs; run++) {
    const leaders = { 'leader changes': 3 };
    const report = { counts: run < rich ? { ...counts, ...leaders } : leaders };
    summary.add(result(run, { ...report, ...(run >= rich && changes) }));
  }
  return summary;
}

function shortcomingsOf(...words: Parameters<typeof summaryOf>): string[] {
  return summaryOf(...words).shortcomings();
}

test('runs that prove too little are told apart from those that are evidence', () => {
  expect(shortcomingsOf(100, 5)).toEqual([]);
  const rare = shortcomingsOf(100, 4);
  const judged = counterNames.filter(
    (name) => (countedOver[name] ?? 'messages') === 'messages' && !countedFromMemory.has(name),
  );
  expect(rare).toHaveLength(judged.length - 1);
  expect(rare).toContain('torn tails cut: 4, in 4.0% of the runs: below 5%');
  expect(shortcomingsOf(39, 39)).toEqual(['39 runs counted: below 40']);
  const thin = shortcomingsOf(100, 89, { operations: 499 });
  expect(thin).toEqual([expect.stringMatching(/^thin: 11 runs, 11.0%, .*: over 10%$/)]);
  expect(shortcomingsOf(100, 90, { operations: 499 })).toEqual([]);
  const lenient = { runsPercentMin: 2, thinPercentMax: 11 };
  expect(summaryOf(100, 2).shortcomings(lenient)).toEqual([]);
  const scarce = summaryOf(100, 1).shortcomings(lenient);
  expect(scarce).toContain('torn tails cut: 1, in 1.0% of the runs: below 2%');
  expect(summaryOf(100, 89, { operations: 499 }).shortcomings(lenient)).toEqual([]);
  expect(summaryOf(100, 88, { operations: 499 }).shortcomings(lenient)).toHaveLength(1);
  const calm = shortcomingsOf(100, 49, { counts: { 'leader changes': 2 } });
  expect(calm).toEqual(['leader changes of a run, median: 2: below 3']);
});

test('what needs members that acknowledge from memory is judged by their runs', () => {
  const strategies = 'MemFirst' as const;
  const recoveries = (count: number): Partial<SimulationReport> => ({
    strategies,
    counts: { 'leader changes': 4, 'members that recovered': count },
  });
  const some = Array.from({ length: 40 }, (_, seed) => result(seed, recoveries(seed < 4 ? 2 : 0)));
  const others = Array.from({ length: 60 }, (_, seed) => result(seed));
  const lines = linesOf([...some, ...others]);
  expect(lines).toContain('members that recovered: 8, in 10.0% of the runs from memory');
  const line = 'elections by every voter: 0, in 0.0% of the runs from memory';
  expect(lines).toContain(`${line}   WARNING: below 5%`);
  expect(linesOf([...some.slice(1), ...others])).toContain(line);
});

test('the last line counts violations, the runs that have them, and those without an end', () => {
  const [one, other] = ['liveness', 'log matching'] as const;
  const violations = [one, other].map((check) => ({ check, text: 'what' }));
  const lines = linesOf([result(1), result(2, { violations }), result(3, { violations }), endless]);
  expect(lines.at(-1)).toMatch(
    /^runs 3, .*, violations 4 in 2 of the runs, runs that came to no end 1$/,
  );
  expect(linesOf([endless]).at(-1)).toMatch(/, violations 0, runs that came to no end 1$/);
});

const endless: RunResult = {
  seed: 5,
  cpuMs: 0,
  failure: 'a defect of the harness',
  lastEvents: ['n2:', '  its last line'],
};

test('a run that came to no end is a failure, with commit, last events and replay', () => {
  expect(linesOf([endless])).toContain('FAILED seed 5');
  const text = formatResult(endless, { ...settings, nodes: 5 });
  expect(text).toMatch(/^seed 5: the run came to no end: a defect of the harness\n/);
  expect(text).toMatch(/commit: [0-9a-f]{40}/);
  expect(text).toContain('its last line');
  expect(text).toMatch(/replay: npm run -s simulate -- --seed 5 --nodes 5 --trace$/);
});
