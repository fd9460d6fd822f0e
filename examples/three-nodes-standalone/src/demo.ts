import { runProcess } from 'd-engine';

// One node of the example: `node target/release/demo CONFIG_PATH=config/n1`. Arguments of the form
// KEY=VALUE are environment variables that can be seen in the list of processes.

const usage =
  'usage: target/release/demo CONFIG_PATH=config/n1 [METRICS_PORT=8081] [KEY=VALUE ...]';

for (const argument of process.argv.slice(2)) {
  const equals = argument.indexOf('=');
  if (equals <= 0) refuse(`not a KEY=VALUE argument: ${argument}`);
  process.env[argument.slice(0, equals)] = argument.slice(equals + 1);
}

const configPath = process.env['CONFIG_PATH'] ?? '';
if (configPath === '') refuse('CONFIG_PATH is missing');

runProcess({ configPath }).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`demo: ${String(error)}\n`);
    process.exit(1);
  },
);

function refuse(problem: string): never {
  process.stderr.write(`demo: ${problem}\n${usage}\n`);
  process.exit(2);
}
