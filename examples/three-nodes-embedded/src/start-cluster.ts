import { spawn } from 'node:child_process';

// All three nodes in the foreground. Ctrl-C reaches them as well, as they share the terminal.

const runner = '../../tools/run-ts.mjs';
const children = [1, 2, 3].map((id) =>
  spawn(process.execPath, [runner, 'src/main.ts', String(id)], { stdio: 'inherit' }),
);
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => {
  for (const child of children) child.kill('SIGTERM');
});
const codes = await Promise.all(
  children.map(
    (child) => new Promise<number>((end) => child.once('exit', (code) => end(code ?? 1))),
  ),
);
process.exit(Math.max(...codes));
