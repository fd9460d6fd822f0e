import { type ErrorName, errorRegistry } from '@d-engine/base';
import { renderConfigurationReference } from '../../packages/d-engine/src/config/index.ts';
import { renderCorrectness } from '../../packages/simulator/planted/correctness-page.ts';
import { descriptorSource, descriptorSourcePath } from '../descriptors/descriptor-source.ts';

/** A page that is made from the code, or code that is made from other files. */
export interface Page {
  /** Below the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** `npm run docs` writes these; a test holds the committed ones to them. */
export function generatedPages(): readonly Page[] {
  return [
    { path: 'docs/configuration.md', text: configurationPage() },
    { path: 'docs/errors.md', text: errorsPage() },
    { path: 'docs/correctness.md', text: correctnessPage() },
    { path: descriptorSourcePath, text: descriptorSource(process.cwd()) },
  ];
}

const madeFrom = (source: string): string =>
  `<!-- Made from ${source} by \`npm run docs\`: change it there. -->`;

function configurationPage(): string {
  return `${madeFrom('packages/d-engine/src/config')}

# Configuration

A node is told what to do by a TOML file, by the environment, or by nothing at all: every key has a
default. What goes before what:

1. variables \`RAFT__SECTION__KEY\`, such as \`RAFT__CLUSTER__NODE_ID=2\`;
2. the file: \`--config PATH\`, or else \`CONFIG_PATH\`; \`.toml\` may be left out;
3. the defaults below.

A file that was named and is not there is an error, never a fresh start. So is a key that nobody
knows: the message has file, line, column and the nearest known key. All that is wrong is told at
once, on standard error, and the exit code is 2.

The keys are those of d-engine for Rust, in old and new spellings, and some of our own. The column
"Effect" says which of them do something today. A key without effect is accepted and warns, so that
a file of the original loads; more than three of them in one file share a line of the log.
\`strategy = "MemFirst"\` acknowledges writes that are in the memory of a majority; what that may
lose is told in [guarantees](guarantees.md#with-memfirst). Without a \`flush_policy\` it writes
what it holds at 1,024 entries, and no later than 100 ms after the first of them;
\`idle_flush_interval_ms\` is another name of \`interval_ms\`. With \`flush_policy = "Immediate"\`
it warns: that takes away what MemFirst is for. With DiskFirst each turn is synced before anything
of it is acknowledged, whatever the policy.

## Keys

${renderConfigurationReference()}`;
}

function correctnessPage(): string {
  return `${madeFrom('packages/simulator/planted')}\n\n${renderCorrectness(process.cwd())}`;
}

function errorsPage(): string {
  const names = Object.keys(errorRegistry) as ErrorName[];
  const rows = names.map((name) => {
    const { code, retryable, applied, grpc, http, help } = errorRegistry[name];
    const cells = [code, `\`${name}\``, help, retryable ? 'yes' : 'no', applied, grpc, http];
    return `| ${cells.join(' | ')} |`;
  });
  return `${madeFrom('packages/base/src/errors.ts')}

# Errors

Every error that a caller can meet is one of these, by whatever road it comes: as a \`DEngineError\`
in TypeScript, as a gRPC status with the number in \`x-d-engine-error\`, or as JSON over HTTP.
Numbers below 10000 are those of d-engine for Rust.

- **Retry**: whether the same request, unchanged, may succeed later.
- **Applied**: whether a write that met the error may have taken effect all the same. \`never\`: it
  had no effect, and it is safe to send it again. \`maybe\`: read before you write again. For a read
  it means nothing: a read changes nothing.

A \`NotLeader\` and most answers with status 503 name the leader where it is known: \`leader\` in
the JSON and in TypeScript, \`x-raft-leader\` in the headers. Back-pressure names a pause:
\`retry_after_ms\`, \`Retry-After\`, \`x-d-engine-retry-after-ms\`.

| Number | Name | When, and what to do | Retry | Applied | gRPC | HTTP |
|---|---|---|---|---|---|---|
${rows.join('\n')}

Some of them have no use in this version, because what they belong to is not there yet
([status](../README.md#what-works-today)). The numbers are fixed all the same.

A configuration that cannot be used, a damaged data directory and a taken port are no answers to a
caller: they end the process with exit code 2 and a message on standard error
([operations](operations.md#when-a-node-does-not-start)).
`;
}
