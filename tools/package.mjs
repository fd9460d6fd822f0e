// Makes of the bundle in packages/d-engine/dist what goes to npm: the same files as CommonJS, types
// for both, and the licences of what is bundled. Run it after tools/build.mjs.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledPackages } from './bundled-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const product = join(root, 'packages/d-engine');
const dist = join(product, 'dist');
const manifest = JSON.parse(readFileSync(join(product, 'package.json'), 'utf8'));

/** What users can import: `./client` is the file `client`. */
const entries = Object.keys(manifest.exports).map((path) =>
  path === '.' ? 'index' : path.slice('./'.length),
);

const startedAt = Date.now();
removeEarlier();
const converted = await writeCommonJs();
await writeTypes();
writeLicences();
console.log(
  `package: ${converted} files as CommonJS, types of ${entries.join(', ')} ` +
    `(${Date.now() - startedAt} ms)`,
);

function removeEarlier() {
  for (const name of readdirSync(dist)) {
    if (/\.(cjs|d\.ts|d\.cts)$/.test(name)) rmSync(join(dist, name));
  }
}

/**
 * File by file, so that both forms have the same shared parts: an error that one entry throws is
 * an instance of the class that another one exports. The command line stays what it is.
 */
async function writeCommonJs() {
  const { transform } = await import('esbuild');
  const reached = filesBehind(entries.map((entry) => `${entry}.js`));
  for (const name of reached) {
    const source = readFileSync(join(dist, name), 'utf8').replace(
      /^\/\/# sourceMappingURL.*$/m,
      '',
    );
    const hasUrl = source.includes('import.meta.url');
    const { code } = await transform(source, {
      format: 'cjs',
      platform: 'node',
      target: 'node20.19',
      define: { 'import.meta.url': 'moduleUrl' },
      banner: hasUrl
        ? "const moduleUrl = require('node:url').pathToFileURL(__filename).href;"
        : undefined,
      logLevel: 'warning',
    });
    const local = code.replaceAll(/require\("(\.\/[^"]+)\.js"\)/g, 'require("$1.cjs")');
    writeFileSync(join(dist, name.replace(/\.js$/, '.cjs')), local);
  }
  return reached.size;
}

/** The entries and the chunks that they import. */
function filesBehind(names, reached = new Set()) {
  for (const name of names) {
    if (reached.has(name)) continue;
    reached.add(name);
    const source = readFileSync(join(dist, name), 'utf8');
    const imports = [...source.matchAll(/(?:from|import) ?"\.\/(chunk-[^"]+\.js)"/g)];
    filesBehind(
      imports.map((match) => match[1]),
      reached,
    );
  }
  return reached;
}

async function writeTypes() {
  const { rolldown } = await import('rolldown');
  const { dts } = await import('rolldown-plugin-dts');
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(entries.map((entry) => [entry, join(product, 'src', `${entry}.ts`)])),
    platform: 'node',
    external: [/^node:/],
    plugins: [dts({ tsconfig: join(root, 'tsconfig.json'), emitDtsOnly: true, oxc: true })],
  });
  const { output } = await build.generate({ format: 'es', chunkFileNames: 'types-[hash].js' });
  await build.close();
  for (const { fileName, code } of output) {
    const foreign = code.match(/from "(?!\.\/|node:)[^"]+"/);
    if (foreign !== null) throw new Error(`${fileName} imports types ${foreign[0]}`);
    writeFileSync(join(dist, fileName), code);
    const common = code.replaceAll(/from "(\.\/[^"]+)\.js"/g, 'from "$1.cjs"');
    writeFileSync(join(dist, fileName.replace(/\.d\.ts$/, '.d.cts')), common);
  }
}

/** Of the project, which npm finds beside package.json, and of foreign code inside the bundle. */
function writeLicences() {
  for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) {
    copyFileSync(join(root, name), join(product, name));
  }
  const texts = bundledPackages.map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8')}`;
  });
  writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), texts.join(`\n${'-'.repeat(72)}\n\n`));
}
