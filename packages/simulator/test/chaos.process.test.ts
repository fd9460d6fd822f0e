import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { checkLinearizability } from '../src/history/check-history.ts';
import { decodeHistory, encodeHistory } from '../src/history/history-file.ts';
import type { Operation } from '../src/history/operation.ts';
import { pickerOf } from './history/picker.ts';
import { plantViolation } from './history/plant-violation.ts';

const root = join(import.meta.dirname, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'd-engine-chaos-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const directoryOfHistories = join(directory, 'histories');
const minutes = scaled({ gate: 0.4, long: 10 });
const processFaults = ['kill', 'killAll', 'killLeader', 'pause', 'stop'];
const networkFaults = ['cut', 'cutOneWay', 'isolateLeader', 'bridge'];
const clientFaults = ['cutClients', 'cutClientsOff', 'cutClientsOneWay'];
/** Keys change so often that the gate's short run has well over a hundred, outages or not. */
const epochMs = scaled({ gate: 300, long: 5_000 });

function chaos(...words: readonly string[]): { status: number | null; out: string } {
  const program = ['tools/run-ts.mjs', 'tools/chaos/main.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...words], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, out: stdout + stderr };
}

// The second ring: what the simulator shows of virtual machines, on real ones.
describe('chaos', () => {
  test('leaves histories that are linearizable, and a cluster that works', () => {
    spawnSync(process.execPath, ['tools/build.mjs', '--if-stale'], { cwd: root });
    const run = ['--minutes', String(minutes), '--epoch-ms', String(epochMs)];
    const { status, out } = chaos(...run, '--histories', directoryOfHistories);
    process.stdout.write(out);
    expect(status, out).toBe(0);
    expect(out).toContain('chaos: passed');
    const [, operations] = /(\d+) operations/.exec(out) ?? [];
    expect(Number(operations)).toBeGreaterThan(500);
    // What is refused all the time and never broken shows nothing.
    const [, answered] = /(\d+) answered/.exec(out) ?? [];
    expect(Number(answered) * 2, out).toBeGreaterThanOrEqual(Number(operations));
    const [, changes] = /(\d+) leader changes/.exec(out) ?? [];
    expect(Number(changes), out).toBeGreaterThanOrEqual(1);
    const inflicted = [...(/faults: (.*)$/m.exec(out)?.[1] ?? '').matchAll(/(\w+) (\d+)/g)];
    const canCut = !out.includes('not run: cuts of the network');
    const kinds = canCut ? [...processFaults, ...networkFaults, ...clientFaults] : processFaults;
    expect(inflicted.map(([, kind]) => kind)).toEqual(kinds);
    for (const [, kind, count] of inflicted) {
      expect(Number(count), `${kind} in ${out}`).toBeGreaterThanOrEqual(1);
    }
    const [, past] = /past cut links of the clients (\d+) answered/.exec(out) ?? [];
    // Whoever loses one node goes on with the others.
    if (canCut) expect(Number(past), out).toBeGreaterThanOrEqual(1);
  });

  test('fails when a node ends that it had not ended, and shows its last lines', async () => {
    const words = ['--minutes', '0.1', '--seed', '1', '--no-network'];
    const program = ['tools/run-ts.mjs', 'tools/chaos/main.ts'];
    const child = spawn(process.execPath, [...program, ...words], { cwd: root });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const wasUp = out.includes('faults begin');
      out += chunk.toString();
      if (wasUp || !out.includes('faults begin')) return;
      const [, pid] = /node 2 start 1: pid (\d+)/.exec(out) ?? [];
      process.kill(Number(pid), 'SIGKILL');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    const [, kept = ''] = /nodes in (\S+)/.exec(out) ?? [];
    rmSync(kept, { recursive: true, force: true });
    expect(code, out).toBe(1);
    const ended = 'node 2 start 1 ended with SIGKILL, and nobody had ended it';
    const violation = `VIOLATION no node ends by itself: ${ended}`;
    expect(out).toContain(violation);
    const after = out.slice(out.indexOf(violation)).split('\n');
    expect(after[1]).toMatch(/^ {4}\S.* (INFO|WARN|ERROR)/);
    // Nothing else was wrong: the others went on.
    expect(out.match(/VIOLATION/g)).toHaveLength(1);
  });

  test('tells a bad option with exit code 2', () => {
    const { status, out } = chaos('--hours', '3');
    expect(status).toBe(2);
    expect(out).toContain('unknown option --hours; usage: npm run chaos');
  });
});

test('a checker that is not ours agrees on 100 of them, violations planted in half', ({ skip }) => {
  const checker = join(directory, 'porcupine-check');
  const tool = join(root, 'tools/porcupine');
  const built = spawnSync('go', ['build', '-o', checker, '.'], { cwd: tool, encoding: 'utf8' });
  if (built.error !== undefined) return skip('not run: go missing');
  expect(built.status, built.stderr).toBe(0);

  const histories = readHistories();
  const half = histories.length / 2;
  expect(half).toBe(50);
  const isUnknown = ({ outcome }: Operation): boolean => outcome.type === 'unknown';
  expect(histories.some((history) => history.some(isUnknown))).toBe(true);
  const theirs = theirsOf(checker, histories);
  for (const [index, history] of histories.entries()) {
    const isPlanted = index >= half;
    const ours = checkLinearizability(history).type === 'linearizable';
    expect(ours, `our verdict on ${index}`).toBe(!isPlanted);
    expect(theirs[index], `their verdict on ${index}`).toBe(
      isPlanted ? 'not linearizable' : 'linearizable',
    );
  }
});

/** Of what chaos left: 50 as they are, then 50 with a violation each. */
function readHistories(): (readonly Operation[])[] {
  const files = readdirSync(directoryOfHistories);
  const all = files
    .map((file) => decodeHistory(readFileSync(join(directoryOfHistories, file), 'utf8')))
    // Those that give the checkers most to do.
    .sort((one, other) => other.length - one.length);
  // In some nobody read anything: there is nothing to plant in.
  const planted = all.flatMap((history, index) => {
    const violated = plantViolation(history, pickerOf(index));
    return violated === undefined ? [] : [{ history, violated }];
  });
  // Every other one first, so that both halves have long ones.
  const isOdd = (_: unknown, index: number): boolean => index % 2 === 1;
  const isEven = (_: unknown, index: number): boolean => index % 2 === 0;
  const violated = [...planted.filter(isOdd), ...planted.filter(isEven)].slice(0, 50);
  const touched = new Set(violated.map(({ history }) => history));
  const clean = all.filter((history) => !touched.has(history)).slice(0, 50);
  return [...clean, ...violated.map((each) => each.violated)];
}

/** What Porcupine says of each. */
function theirsOf(checker: string, histories: readonly (readonly Operation[])[]): string[] {
  const paths = histories.map((history, index) => {
    const path = join(directory, `${index}.jsonl`);
    writeFileSync(path, encodeHistory(history));
    return path;
  });
  const { stdout, stderr } = spawnSync(checker, paths, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  return paths.map((path, index) => lines[index]?.replace(`${path}: `, '') ?? 'no verdict');
}
