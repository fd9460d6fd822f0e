import type { IncomingStream } from '@d-engine/base';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { expect, test } from 'vitest';
import { methods } from '../src/methods.ts';
import { servedFiles } from '../src/reflection/file-descriptors.ts';
import { ServerReflection } from '../src/reflection/server-reflection.ts';
import { protos } from './proto-files.ts';
import type { Theirs } from './protobuf-oracle.ts';

const packageName = 'grpc.reflection.v1';

/** What the service answers to one request, as another implementation of protobuf reads it. */
function ask(request: Theirs): Theirs {
  const requests = protos.lookupType(`${packageName}.ServerReflectionRequest`);
  const responses = protos.lookupType(`${packageName}.ServerReflectionResponse`);
  const sent: Uint8Array[] = [];
  const stream = {
    send: (message: Uint8Array) => sent.push(message) > 0,
    reset: () => expect.unreachable(),
  } as unknown as IncomingStream;
  new ServerReflection(stream).onMessage(requests.encode(requests.create(request)).finish());
  const answer = responses.decode(sent[0] ?? new Uint8Array(0));
  return responses.toObject(answer, { enums: Number });
}

function filesOf(answer: Theirs): protobuf.Message[] {
  const inner = answer['fileDescriptorResponse'] as { fileDescriptorProto: Uint8Array[] };
  return inner.fileDescriptorProto.map((bytes) => descriptor.FileDescriptorProto.decode(bytes));
}

test('services are listed, without the one between members', () => {
  const answer = ask({ host: 'here', listServices: '*' });
  expect(answer['validHost']).toBe('here');
  expect(answer['originalRequest']).toEqual({ host: 'here', listServices: '*' });
  expect(answer['listServicesResponse']).toEqual({
    service: [
      ...['d_engine.admin.v1.AdminService', 'd_engine.client.RaftClientService'],
      ...['d_engine.server.cluster.ClusterManagementService', 'grpc.health.v1.Health'],
      ...['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'],
    ].map((name) => ({ name })),
  });
});

test('every method that is served to clients is found, with all that its messages need', () => {
  for (const method of Object.values(methods)) {
    const symbol = method.replace('/', '.');
    const answer = ask({ fileContainingSymbol: symbol });
    if (method.startsWith('d_engine.peer.')) {
      expect(answer['errorResponse']).toEqual({
        errorCode: 5,
        errorMessage: `no symbol ${symbol}`,
      });
    } else {
      const files = filesOf(answer) as unknown as { name: string; dependency: string[] }[];
      const names = files.map(({ name }) => name);
      for (const { dependency } of files) expect(names).toEqual(expect.arrayContaining(dependency));
      expect(ask({ fileByFilename: names[0] })).toMatchObject({
        fileDescriptorResponse: answer['fileDescriptorResponse'] as object,
      });
    }
  }
});

test('what the descriptors say is what the proto files say', () => {
  const set = descriptor.FileDescriptorSet.create({
    file: servedFiles.map(({ base64 }) =>
      descriptor.FileDescriptorProto.decode(Buffer.from(base64.join(''), 'base64')),
    ),
  });
  const root = (
    protobuf.Root as unknown as { fromDescriptor(set: protobuf.Message): protobuf.Root }
  ).fromDescriptor(set);
  root.resolveAll();
  let compared = 0;
  for (const { symbols, services } of servedFiles) {
    for (const symbol of symbols.filter((name) => !services.some((one) => name.startsWith(one)))) {
      const [ours, theirs] = [root.lookup(symbol), protos.lookup(symbol)];
      expect(shapeOf(ours)).toEqual(shapeOf(theirs));
      compared += 1;
    }
    for (const service of services) {
      const [ours, theirs] = [root, protos].map((one) => one.lookupService(service).methodsArray);
      expect(ours?.map(signatureOf)).toEqual(theirs?.map(signatureOf));
    }
  }
  expect(compared).toBeGreaterThan(50);
});

function signatureOf(method: protobuf.Method): unknown {
  const { name, requestType, responseType, requestStream, responseStream } = method;
  const last = (type: string): string | undefined => type.split('.').pop();
  const streams = [requestStream === true, responseStream === true];
  return [name, last(requestType), last(responseType), ...streams];
}

function shapeOf(item: protobuf.ReflectionObject | null): unknown {
  if (item instanceof protobuf.Enum) return item.values;
  if (!(item instanceof protobuf.Type)) return item;
  return item.fieldsArray.map((field) => [
    ...[protobuf.util.camelCase(field.name), field.id, field.repeated],
    field.resolvedType?.fullName ?? field.type,
    // A oneof of one's own, whatever it is called.
    field.partOf?.fieldsArray.map(({ id }) => id),
  ]);
}

test('what is not there is an answer, and what is no request ends the stream', () => {
  const error = (request: Theirs): unknown => {
    const { errorCode } = ask(request)['errorResponse'] as { errorCode: number };
    return errorCode;
  };
  expect(error({ fileByFilename: 'x.proto' })).toBe(5);
  expect(error({ fileContainingExtension: { containingType: 'x' } })).toBe(5);
  expect(error({ allExtensionNumbersOfType: 'x' })).toBe(5);
  expect(error({})).toBe(3);
  const type = 'd_engine.client.ScanEntry';
  expect(ask({ allExtensionNumbersOfType: type })['allExtensionNumbersResponse']).toEqual({
    baseTypeName: type,
  });
  const resets: unknown[] = [];
  const stream = { reset: (failure: unknown) => resets.push(failure) } as unknown as IncomingStream;
  new ServerReflection(stream).onMessage(Buffer.from([0xff]));
  expect(resets).toMatchObject([{ status: 'invalidArgument' }]);
});

test('a client that asks without reading is not read from until it has caught up', () => {
  const said: string[] = [];
  const stream = {
    send: () => {
      said.push('send');
      return false;
    },
    pause: () => said.push('pause'),
    resume: () => said.push('resume'),
    end: () => said.push('end'),
  } as unknown as IncomingStream;
  const reflection = new ServerReflection(stream);
  reflection.onMessage(Buffer.from([0x3a, 1, 0x2a]));
  reflection.onDrain();
  reflection.onEnd();
  expect(said).toEqual(['send', 'pause', 'resume', 'end']);
});
