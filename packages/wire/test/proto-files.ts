import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { describeFile } from '../../../tools/descriptors/file-descriptor.ts';

const protoRoot = fileURLToPath(new URL('../proto/', import.meta.url));
const names = readdirSync(protoRoot, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.proto'),
);

function loadAll(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('/') ? target : `${protoRoot}${target}`;
  root.loadSync(names.map((file) => protoRoot + file));
  root.resolveAll();
  return root;
}

/** All of our .proto files, as protobufjs reads them. */
export const protos: protobuf.Root = loadAll();

/** A google.protobuf.FileDescriptorProto of each, behind those that it imports. */
export function allDescriptors(): Uint8Array[] {
  const load = (name: string): string => readFileSync(`${protoRoot}${name}`, 'utf8');
  const described = new Map<string, Uint8Array>();
  const describe = (name: string): void => {
    if (described.has(name)) return;
    const { dependencies, bytes } = describeFile(name, load(name), load);
    for (const dependency of dependencies) describe(dependency);
    described.set(name, bytes);
  };
  for (const name of names) describe(name);
  return [...described.values()];
}
