import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CrashDisk } from './crash-disk.ts';
import { Ledger, Workload } from './crash-workload.ts';
import { dataDirectory } from './storage-fixtures.ts';

// node tools/run-ts.mjs packages/storage/test/write-data-directory.ts DIR: writes what this version
// leaves on disk after the workload of the crash tests. Each format that was ever released has such
// a directory beside this file, which every later version opens (data-directories.test.ts).

async function filesUnder(disk: CrashDisk, directory: string): Promise<string[]> {
  const names = await disk.list(directory);
  const nested = names.map(async (name) => {
    const path = join(directory, name);
    const isDirectory = await disk.list(path).then(
      () => true,
      () => false,
    );
    return isDirectory ? filesUnder(disk, path) : [path];
  });
  return (await Promise.all(nested)).flat();
}

const target = process.argv[2];
if (target === undefined) throw new Error('which directory?');
const disk = new CrashDisk();
await new Workload(disk, new Ledger()).run();
for (const path of await filesUnder(disk, dataDirectory)) {
  const copy = join(target, path.slice(dataDirectory.length));
  mkdirSync(dirname(copy), { recursive: true });
  writeFileSync(copy, disk.peek(path));
}
