// Bundles packages/d-engine into packages/d-engine/dist: our own packages inside, the declared npm
// dependencies outside. `--if-stale` does nothing when no source is newer than the last build.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledPackages } from './bundled-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const product = join(root, 'packages/d-engine');
const dist = join(product, 'dist');
/** Written last: a build that was cut short is stale. */
const stamp = join(dist, '.built');

const entries = ['index', 'cli', 'client', 'storage', 'testing', 'engine-worker'].filter((name) =>
  existsSync(join(product, 'src', `${name}.ts`)),
);

if (entries.length === 0) {
  console.log('build: packages/d-engine/src has no index.ts, cli.ts or client.ts yet');
} else if (process.argv.includes('--if-stale') && isFresh()) {
  console.log('build: packages/d-engine/dist is up to date');
} else {
  await bundle();
}

function isFresh() {
  const outputs = [stamp, ...entries.map((name) => join(dist, `${name}.js`))];
  if (!outputs.every((file) => existsSync(file))) return false;
  const builtMs = statSync(stamp).mtimeMs;
  return newestSourceMs() < builtMs;
}

/** Directories count too: deleting or renaming a file changes only them. */
function newestSourceMs() {
  const own = ['tools/build.mjs', 'package-lock.json'].map((file) => join(root, file));
  const sources = readdirSync(join(root, 'packages')).flatMap((name) => {
    const directory = join(root, 'packages', name);
    const source = join(directory, 'src');
    if (!existsSync(source)) return [];
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
    return [
      join(directory, 'package.json'),
      source,
      ...files.map((file) => join(source, file)).filter((file) => !file.endsWith('.test.ts')),
    ];
  });
  const times = [...own, ...sources].map(
    (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return Math.max(...times);
}

async function bundle() {
  const { build } = await import('esbuild');
  const startedAt = new Date();
  const manifest = JSON.parse(readFileSync(join(product, 'package.json'), 'utf8'));
  const external = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const result = await build({
    entryPoints: entries.map((name) => join(product, 'src', `${name}.ts`)),
    absWorkingDir: root,
    outdir: dist,
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: 'chunk-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    metafile: true,
    external: external.flatMap((name) => [name, `${name}/*`]),
    logLevel: 'warning',
  });
  refuseUndeclared(result.metafile);
  writeOutputs(result.outputFiles);
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt); // A source changed meanwhile is newer than this.
  const tookMs = Date.now() - startedAt.getTime();
  console.log(`build: packages/d-engine/dist has ${entries.join(', ')} (${tookMs} ms)`);
}

/** A foreign package inside the bundle would reach users without being declared or licensed. */
function refuseUndeclared(metafile) {
  const allowed = new RegExp(`(^|/)node_modules/(${bundledPackages.join('|')})/`);
  const foreign = Object.keys(metafile.inputs).filter(
    (file) => file.includes('node_modules/') && !allowed.test(file),
  );
  if (foreign.length === 0) return;
  console.error(`build: not a dependency in packages/d-engine/package.json: ${foreign.join(', ')}`);
  process.exit(1);
}

/** Writes what changed and removes the chunks of earlier builds. */
function writeOutputs(files) {
  mkdirSync(dist, { recursive: true });
  const written = new Set(files.map(({ path }) => relative(dist, path)));
  for (const name of readdirSync(dist)) {
    if (/^chunk-.*\.js(\.map)?$/.test(name) && !written.has(name)) rmSync(join(dist, name));
  }
  for (const { path, contents } of files) {
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    writeFileSync(path, contents);
  }
  const cli = join(dist, 'cli.js');
  if (!entries.includes('cli')) return;
  chmodSync(cli, 0o755);
  if (!readFileSync(cli, 'utf8').startsWith('#!/usr/bin/env node\n')) {
    console.error('build: packages/d-engine/src/cli.ts must start with #!/usr/bin/env node');
    process.exit(1);
  }
}
