import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildH2spec, runH2spec } from './run-h2spec.ts';

// node tools/run-ts.mjs tools/h2spec/main.ts SERVER.ts: holds an HTTP/2 server against h2spec.

async function main(script: string | undefined): Promise<number> {
  if (script === undefined) {
    console.error('usage: node tools/run-ts.mjs tools/h2spec/main.ts SERVER.ts');
    return 2;
  }
  const directory = mkdtempSync(join(tmpdir(), 'd-engine-h2spec-'));
  try {
    const binary = buildH2spec(process.cwd(), directory);
    if (binary === undefined) {
      console.log('not run: go missing');
      return 0;
    }
    const { tests, passed, skipped, failed, failures } = await runH2spec({
      root: process.cwd(),
      binary,
      script,
    });
    for (const failure of failures) console.log(`failed: ${failure}`);
    console.log(`${tests} tests, ${passed} passed, ${skipped} skipped, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main(process.argv[2]);
