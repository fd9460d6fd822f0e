import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// Bundles the programs of this example into single files under target/release.

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'target/release');
const programs = ['demo', 'start-cluster', 'clean'];

if (process.argv.includes('--if-stale') && !isStale()) {
  console.log('build: target/release is up to date');
  process.exit(0);
}
console.log('build: writing target/release/demo');
mkdirSync(out, { recursive: true });
// A file without an extension takes its module format from here.
writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n');
for (const program of programs) {
  await build({
    entryPoints: [join(here, `src/${program}.ts`)],
    outfile: join(out, program),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  chmodSync(join(out, program), 0o755);
}

/** Anything newer than what was built last: this example's sources or the engine's bundle. */
function isStale() {
  const built = programs.map((program) => modifiedMs(join(out, program)));
  const oldest = Math.min(...built);
  const sources = readdirSync(join(here, 'src')).map((name) => join(here, 'src', name));
  const engine = join(here, '../../packages/d-engine/dist/index.js');
  return [...sources, engine, fileURLToPath(import.meta.url)].some((f) => modifiedMs(f) > oldest);
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
