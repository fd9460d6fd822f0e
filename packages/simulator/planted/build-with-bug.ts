import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Edit, PlantedBug } from './planted-bug.ts';
import { markEachRun } from './planted-bug.ts';

/**
 * Bundles the simulator into `outfile`, with the bug in it or, without one, as it is. Throws when
 * a line to break is not there any more: a bug that is not planted proves nothing.
 */
export async function buildSimulator(
  root: string,
  outfile: string,
  bug: PlantedBug | undefined,
): Promise<void> {
  const planted = new Set<string>();
  const edits = [...(bug?.edits ?? []), markEachRun];
  await build({
    entryPoints: [join(root, 'packages/simulator/src/main.ts')],
    outfile,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    plugins: [
      {
        name: 'plant-a-bug',
        setup(context) {
          context.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const here = edits.filter(({ file }) => path === join(root, file));
            if (here.length === 0) return undefined;
            for (const { file } of here) planted.add(file);
            return { contents: plant(readFileSync(path, 'utf8'), here), loader: 'ts' };
          });
        },
      },
    ],
  });
  for (const { file } of edits) {
    if (!planted.has(file))
      throw new Error(`${bug?.name ?? 'no bug'}: ${file} is not in the bundle`);
  }
}

/** The source with all edits of one file made. */
export function plant(source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { file, find, replace } of edits) {
    const parts = text.split(find);
    if (parts.length !== 2) {
      throw new Error(`"${find}" occurs ${parts.length - 1} times in ${file}`);
    }
    text = parts.join(replace);
  }
  return text;
}
