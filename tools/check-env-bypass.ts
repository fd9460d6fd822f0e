// Fails when a package that a seed must replay goes past `Env`: see env-bypass/policy.ts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkEnvBypass, isTestFile, type SourceText } from './env-bypass/check.ts';
import { policies } from './env-bypass/policy.ts';

const sources: SourceText[] = policies.flatMap((policy) => {
  const directory = path.posix.join('packages', policy.directory, 'src');
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[cm]?[jt]sx?$/.test(file) && !isTestFile(file))
    .map((file) => path.posix.join(directory, file))
    .map((file) => ({ file, text: readFileSync(file, 'utf8'), policy }));
});

const findings = checkEnvBypass(sources);
for (const { file, line, message } of findings) console.error(`${file}:${line} ${message}`);
console.log(`env bypass: ${sources.length} files checked, ${findings.length} findings`);
if (findings.length > 0) process.exitCode = 1;
