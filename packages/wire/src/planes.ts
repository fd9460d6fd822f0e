import type { Plane } from '@d-engine/base';
import { type MethodName, methods } from './methods.ts';
import type { PeerFrameType } from './peer-frame.ts';

export const planes: readonly Plane[] = ['control', 'data', 'bulk'];

const everywhere = planes;
const control: readonly Plane[] = ['control'];
const data: readonly Plane[] = ['data'];
const bulk: readonly Plane[] = ['bulk'];

const planesOf: Readonly<Record<PeerFrameType, readonly Plane[]>> = {
  hello: everywhere,
  helloRefused: everywhere,
  preVoteRequest: control,
  voteRequest: control,
  voteResponse: control,
  heartbeatRequest: control,
  heartbeatResponse: control,
  timeoutNowRequest: control,
  readIndexRequest: control,
  readIndexResponse: control,
  stateDigest: control,
  stateVerdict: control,
  appendRequest: data,
  appendResponse: data,
  forwardWrite: data,
  forwardWriteResult: data,
  snapshotOffer: bulk,
  snapshotChunk: bulk,
  snapshotAnswer: bulk,
};

export function travelsOn(type: PeerFrameType, plane: Plane): boolean {
  return planesOf[type].includes(plane);
}

/** The plane of a message other than a hello, which opens every plane. */
export function planeOf(type: Exclude<PeerFrameType, 'hello' | 'helloRefused'>): Plane {
  return planesOf[type][0] as Plane;
}

const methodNames: Readonly<Record<Plane, MethodName>> = {
  control: 'peerControl',
  data: 'peerData',
  bulk: 'peerBulk',
};

export function methodOfPlane(plane: Plane): string {
  return methods[methodNames[plane]];
}

/** The plane that a stream of this method carries; undefined for methods of other services. */
export function planeOfMethod(method: string): Plane | undefined {
  return planes.find((plane) => methodOfPlane(plane) === method);
}
