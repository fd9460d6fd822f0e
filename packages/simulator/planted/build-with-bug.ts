import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { PlantedBug } from './catalogue.ts';

/**
 * Bundles the simulator into `outfile`, with the bug in it or, without one, as it is. Throws when
 * the line to break is not there any more: a bug that is not planted proves nothing.
 */
export async function buildSimulator(
  root: string,
  outfile: string,
  bug: PlantedBug | undefined,
): Promise<void> {
  let planted = false;
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
          if (bug === undefined) return;
          const file = join(root, bug.file);
          context.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (path !== file) return undefined;
            planted = true;
            return { contents: plant(readFileSync(path, 'utf8'), bug), loader: 'ts' };
          });
        },
      },
    ],
  });
  if (bug !== undefined && !planted) throw new Error(`${bug.file} is not in the bundle`);
}

function plant(source: string, bug: PlantedBug): string {
  const parts = source.split(bug.find);
  if (parts.length !== 2) {
    throw new Error(`${bug.name}: "${bug.find}" occurs ${parts.length - 1} times in ${bug.file}`);
  }
  return parts.join(bug.replace);
}
