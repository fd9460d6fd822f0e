import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeFile } from './file-descriptor.ts';

/** What clients may know; the services between members are nobody else's business. */
const files = [
  'd_engine/admin.proto',
  'd_engine/client.proto',
  'd_engine/common.proto',
  'd_engine/error.proto',
  'd_engine/server_cluster.proto',
  'd_engine/server_storage.proto',
  'grpc/health/v1/health.proto',
  'grpc/reflection/v1/reflection.proto',
  'grpc/reflection/v1alpha/reflection.proto',
];

export const descriptorSourcePath = 'packages/wire/src/reflection/file-descriptors.ts';

/** The source file that holds the descriptors of `packages/wire/proto`, for the repository. */
export function descriptorSource(repository: string): string {
  const load = (name: string): string =>
    readFileSync(join(repository, 'packages/wire/proto', name), 'utf8');
  const items = files.map((file) => {
    const { name, dependencies, services, symbols, bytes } = describeFile(file, load(file), load);
    const base64 = Buffer.from(bytes).toString('base64');
    return `  {
    name: '${name}',
    dependencies: ${list(dependencies, '    ')},
    services: ${list(services, '    ')},
    symbols: ${list(symbols, '    ')},
    base64: ${list(base64.match(/.{1,88}/g) ?? [], '    ')},
  },`;
  });
  return `// Made from packages/wire/proto by \`npm run docs\`: change it there.

/** A \`.proto\` file that is served, as reflection tells it. */
export interface ServedFile {
  readonly name: string;
  readonly dependencies: readonly string[];
  /** Full names. */
  readonly services: readonly string[];
  /** Full names of services, methods, messages and enums. */
  readonly symbols: readonly string[];
  /** A google.protobuf.FileDescriptorProto, in parts. */
  readonly base64: readonly string[];
}

export const servedFiles: readonly ServedFile[] = [
${items.join('\n')}
];
`;
}

/** As the formatter has it. */
function list(texts: readonly string[], indent: string): string {
  if (texts.length === 0) return '[]';
  const one = `[${texts.map((text) => `'${text}'`).join(', ')}]`;
  if (indent.length + 14 + one.length < 98) return one;
  return `[\n${texts.map((text) => `${indent}  '${text}',`).join('\n')}\n${indent}]`;
}
