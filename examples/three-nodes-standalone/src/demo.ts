import { runProcess } from 'd-engine';

// One node of the example: `node target/release/demo CONFIG_PATH=config/n1`. Arguments of the form
// KEY=VALUE are environment variables that can be seen in the list of processes.

for (const argument of process.argv.slice(2)) {
  const equals = argument.indexOf('=');
  if (equals <= 0) {
    process.stderr.write(`demo: not a KEY=VALUE argument: ${argument}\n`);
    process.exit(2);
  }
  process.env[argument.slice(0, equals)] = argument.slice(equals + 1);
}

const configPath = process.env['CONFIG_PATH'];
if (configPath === undefined || configPath === '') {
  process.stderr.write('demo: CONFIG_PATH is missing, for example CONFIG_PATH=config/n1\n');
  process.exit(2);
}

runProcess({ configPath }).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`demo: ${String(error)}\n`);
    process.exit(1);
  },
);
