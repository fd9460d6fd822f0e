// Runs a TypeScript tool on every supported Node: `node tools/run-ts.mjs tools/x.ts [args...]`.
// Node 20 cannot load .ts files, so the tool and the workspace's own packages are bundled first;
// everything else stays an import from node_modules.
import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) {
  console.error('usage: node tools/run-ts.mjs FILE.ts [arguments]');
  process.exit(2);
}

const outdir = join(root, 'node_modules', '.cache', 'd-engine-tools');
mkdirSync(outdir, { recursive: true });
const outfile = join(outdir, `${basename(entry, '.ts')}-${process.pid}.mjs`);

/** Leaves foreign packages alone; the workspace's own are TypeScript and must be bundled. */
const foreignPackages = {
  name: 'foreign-packages',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || path.startsWith('@d-engine/')
        ? undefined
        : { external: true, path },
    );
  },
};

await build({
  entryPoints: [resolve(entry)],
  outfile,
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
  plugins: [foreignPackages],
});

process.argv = [process.argv[0], resolve(entry), ...args];
process.setSourceMapsEnabled(true);
process.on('exit', () => rmSync(outfile, { force: true }));
await import(pathToFileURL(outfile).href);
