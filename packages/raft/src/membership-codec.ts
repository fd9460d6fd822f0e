import type { Entry, HistoryId, NodeId } from '@d-engine/base';
import {
  entryKinds,
  entryPayload,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
} from '@d-engine/base';
import type { Binding, Bootstrap, ConfigurationChange, Member } from './configuration.ts';

/** Payloads of entries about members and histories: numbers in logs and snapshots for ever. */
const roles = { voter: 1, learner: 2 } as const;

export function encodeBootstrap(bootstrap: Bootstrap): Uint8Array {
  const writer = new ProtobufWriter(512);
  writer.string(1, bootstrap.clusterId);
  writer.string(2, bootstrap.historyId);
  writer.uint(3, bootstrap.formedAtWallMs);
  for (const member of bootstrap.members) writer.bytes(4, encodeMember(member));
  for (const binding of bootstrap.bindings) writer.bytes(5, encodeBinding(binding));
  return writer.finish();
}

/** Throws MalformedMessage; an unknown field is refused, for it may change who counts. */
export function decodeBootstrap(bytes: Uint8Array): Bootstrap {
  const reader = new ProtobufReader(bytes);
  let clusterId = '';
  let historyId = '';
  let formedAtWallMs = 0;
  const members: Member[] = [];
  const bindings: Binding[] = [];
  while (reader.next()) {
    if (reader.field === 1) clusterId = reader.string();
    else if (reader.field === 2) historyId = reader.string();
    else if (reader.field === 3) formedAtWallMs = reader.uint();
    else if (reader.field === 4) members.push(decodeMember(reader.bytes()));
    else if (reader.field === 5) bindings.push(decodeBinding(reader.bytes()));
    else throw unknownField('bootstrap', reader.field);
  }
  if (clusterId === '' || historyId === '') throw new MalformedMessage('a cluster without an id');
  if (members.length === 0) throw new MalformedMessage('a cluster without members');
  return { clusterId, historyId, formedAtWallMs, members, bindings };
}

/** Of a configuration entry: all of the configuration, so that none before it is needed. */
export function encodeConfigurationChange(change: ConfigurationChange): Uint8Array {
  const { configuration, bindings } = change;
  const writer = new ProtobufWriter(512);
  for (const id of configuration.voters) writer.uint(1, id);
  for (const id of configuration.outgoingVoters) writer.uint(2, id);
  for (const id of configuration.learners) writer.uint(3, id);
  for (const id of configuration.nextLearners) writer.uint(4, id);
  if (configuration.autoLeave) writer.bool(5, true);
  for (const member of configuration.members) writer.bytes(6, encodeMember(member));
  for (const binding of bindings) writer.bytes(7, encodeBinding(binding));
  return writer.finish();
}

/** Throws MalformedMessage; an unknown field is refused, for it may change who counts. */
export function decodeConfigurationChange(bytes: Uint8Array): ConfigurationChange {
  const reader = new ProtobufReader(bytes);
  const voters: NodeId[] = [];
  const outgoingVoters: NodeId[] = [];
  const learners: NodeId[] = [];
  const nextLearners: NodeId[] = [];
  const members: Member[] = [];
  const bindings: Binding[] = [];
  let autoLeave = false;
  while (reader.next()) {
    if (reader.field === 1) voters.push(reader.uint());
    else if (reader.field === 2) outgoingVoters.push(reader.uint());
    else if (reader.field === 3) learners.push(reader.uint());
    else if (reader.field === 4) nextLearners.push(reader.uint());
    else if (reader.field === 5) autoLeave = reader.bool();
    else if (reader.field === 6) members.push(decodeMember(reader.bytes()));
    else if (reader.field === 7) bindings.push(decodeBinding(reader.bytes()));
    else throw unknownField('configuration', reader.field);
  }
  if (voters.length === 0) throw new MalformedMessage('a configuration without voters');
  const known = new Set(members.map(({ id }) => id));
  for (const id of [...voters, ...outgoingVoters, ...learners, ...nextLearners]) {
    if (!known.has(id)) throw new MalformedMessage(`nothing is said of member ${id}`);
  }
  const who = { voters, outgoingVoters, learners, nextLearners };
  return { configuration: { ...who, autoLeave, members }, bindings };
}

/** Of a new-history entry. */
export function encodeNewHistory(historyId: HistoryId): Uint8Array {
  const writer = new ProtobufWriter(40);
  writer.string(1, historyId);
  return writer.finish();
}

export function decodeNewHistory(bytes: Uint8Array): HistoryId {
  const reader = new ProtobufReader(bytes);
  let historyId = '';
  while (reader.next()) {
    if (reader.field !== 1) throw unknownField('new history', reader.field);
    historyId = reader.string();
  }
  if (historyId === '') throw new MalformedMessage('a history without an id');
  return historyId;
}

/** Which history begins with this entry: a bootstrap or a new-history one. */
export function historyIdOf(entry: Entry): HistoryId {
  const payload = entryPayload(entry);
  return entry.kind === entryKinds.bootstrap
    ? decodeBootstrap(payload).historyId
    : decodeNewHistory(payload);
}

export function encodeBinding(binding: Binding): Uint8Array {
  const writer = new ProtobufWriter(48);
  writer.uint(1, binding.nodeId);
  writer.string(2, binding.instanceId);
  return writer.finish();
}

export function decodeBinding(bytes: Uint8Array): Binding {
  const reader = new ProtobufReader(bytes);
  let nodeId = 0;
  let instanceId = '';
  while (reader.next()) {
    if (reader.field === 1) nodeId = reader.uint();
    else if (reader.field === 2) instanceId = reader.string();
    else throw unknownField('binding', reader.field);
  }
  if (nodeId === 0 || instanceId === '') throw new MalformedMessage('a binding of nobody');
  return { nodeId, instanceId };
}

/** Snapshots hold members as well. */
export function encodeMember(member: Member): Uint8Array {
  const writer = new ProtobufWriter(64);
  writer.uint(1, member.id);
  writer.string(2, member.address);
  writer.uint(3, roles[member.role]);
  if (member.promotable) writer.bool(4, true);
  return writer.finish();
}

/** Throws MalformedMessage. */
export function decodeMember(bytes: Uint8Array): Member {
  const reader = new ProtobufReader(bytes);
  let id = 0;
  let address = '';
  let role = 0;
  let promotable = false;
  while (reader.next()) {
    if (reader.field === 1) id = reader.uint();
    else if (reader.field === 2) address = reader.string();
    else if (reader.field === 3) role = reader.uint();
    else if (reader.field === 4) promotable = reader.bool();
    else throw unknownField('member', reader.field);
  }
  if (id === 0) throw new MalformedMessage('a member without an id');
  if (role !== roles.voter && role !== roles.learner) {
    throw new MalformedMessage(`member role ${role} is not known`);
  }
  return { id, address, role: role === roles.voter ? 'voter' : 'learner', promotable };
}

function unknownField(message: string, field: number): MalformedMessage {
  return new MalformedMessage(`${message} field ${field} is not known: upgrade this node`);
}
