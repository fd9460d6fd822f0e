import { ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { type EnumCodec, enumCodec, writeString, writeUint } from './fields.ts';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
export type ServingStatus = 'unknown' | 'serving' | 'notServing' | 'serviceUnknown';

const servingStatusCodec: EnumCodec<ServingStatus> = enumCodec('serving status', {
  unknown: 0,
  serving: 1,
  notServing: 2,
  serviceUnknown: 3,
});

/** `service` is empty when the server as a whole is meant. */
export interface HealthCheckRequest {
  readonly service: string;
}

export interface HealthCheckResponse {
  readonly status: ServingStatus;
}

export function encodeHealthCheckRequest(request: HealthCheckRequest): Uint8Array {
  const writer = new ProtobufWriter();
  writeString(writer, 1, request.service);
  return writer.finish();
}

export function decodeHealthCheckRequest(bytes: Uint8Array): HealthCheckRequest {
  const reader = new ProtobufReader(bytes);
  let service = '';
  while (reader.next()) {
    if (reader.field === 1) service = reader.string();
    else reader.skip();
  }
  return { service };
}

export function encodeHealthCheckResponse(response: HealthCheckResponse): Uint8Array {
  const writer = new ProtobufWriter(8);
  writeUint(writer, 1, servingStatusCodec.toNumber(response.status));
  return writer.finish();
}

export function decodeHealthCheckResponse(bytes: Uint8Array): HealthCheckResponse {
  const reader = new ProtobufReader(bytes);
  let status: ServingStatus = 'unknown';
  while (reader.next()) {
    if (reader.field === 1) status = servingStatusCodec.find(reader.int32()) ?? 'unknown';
    else reader.skip();
  }
  return { status };
}
