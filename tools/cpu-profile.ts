import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// node tools/run-ts.mjs tools/cpu-profile.ts FILE.cpuprofile|FOLDER [rows]
//
// The functions in which a process spent its time, by V8's samples: in a table, without the time
// in which it slept. What a native call does counts for the function that made it.

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const moduleLines = new Map<string, readonly string[]>();

const [path, rows = '25'] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('usage: cpu-profile.ts FILE.cpuprofile|FOLDER [rows]\n');
  process.exit(2);
}
const files = path.endsWith('.cpuprofile')
  ? [path]
  : readdirSync(path)
      .filter((name) => name.endsWith('.cpuprofile'))
      .map((name) => join(path, name));
for (const file of files) print(file, Number(rows));

function print(file: string, count: number): void {
  const timeUs = selfTimeUs(JSON.parse(readFileSync(file, 'utf8')) as Profile);
  const idleUs = timeUs.get('(idle)') ?? 0;
  timeUs.delete('(idle)');
  let busyUs = 0;
  for (const us of timeUs.values()) busyUs += us;
  const lines = [`${basename(file)}: busy ${ms(busyUs)} of ${ms(busyUs + idleUs)} ms`];
  const sorted = [...timeUs].sort(([, first], [, second]) => second - first);
  for (const [name, us] of sorted.slice(0, count)) {
    lines.push(`${((us * 100) / busyUs).toFixed(1).padStart(5)}%  ${name}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

function selfTimeUs({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const timeUs = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? '(unknown)';
    timeUs.set(name, (timeUs.get(name) ?? 0) + (timeDeltas[at] ?? 0));
  }
  return timeUs;
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name}  ${moduleOf(url, lineNumber)}`;
}

/** Our bundler leaves the path of each module in a comment above it. */
function moduleOf(url: string, lineNumber: number): string {
  if (!url.startsWith('file:')) return url;
  let lines = moduleLines.get(url);
  if (lines === undefined) {
    const file = fileURLToPath(url);
    lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    moduleLines.set(url, lines);
  }
  for (let at = lineNumber; at >= 0; at--) {
    const line = lines[at];
    if (line?.startsWith('// ') && line.endsWith('.ts')) return line.slice(3);
  }
  return `${basename(url)}:${lineNumber + 1}`;
}

function ms(us: number): string {
  return (us / 1_000).toFixed(0);
}
