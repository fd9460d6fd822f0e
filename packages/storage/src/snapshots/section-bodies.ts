import type { LogIndex, NodeId } from '@d-engine/base';
import { MalformedMessage, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import type { BoundMember, Configuration, Member } from '@d-engine/raft';
import { decodeMember, encodeMember } from '@d-engine/raft';
import type { ConfigurationSection, SnapshotSection, StateSection } from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import { decodeLeases, decodeSessions, encodeLeases, encodeSessions } from './lifetime-sections.ts';

/** Protobuf, all but the data. The numbers are in files for ever; an unknown field is refused. */
export function encodeSectionBody(section: SnapshotSection): Uint8Array {
  if (section.kind === snapshotSectionKinds.data) return section.run;
  if (section.kind === snapshotSectionKinds.configuration) return encodeConfiguration(section);
  if (section.kind === snapshotSectionKinds.sessions) return encodeSessions(section.records);
  if (section.kind === snapshotSectionKinds.leases) return encodeLeases(section.leases);
  const writer = new ProtobufWriter(96);
  if (section.kind === snapshotSectionKinds.clusterTime) {
    writer.uint(1, section.clusterTimeMs);
    return writer.finish();
  }
  if (section.historyId !== null) writer.string(1, section.historyId);
  writer.uint(2, section.revisionBase);
  writer.string(3, section.stateHash);
  return writer.finish();
}

/** Throws MalformedMessage. `keyCount` is what the section's header says. */
export function decodeSectionBody(
  kind: SnapshotSection['kind'],
  body: Uint8Array,
  keyCount: number,
): SnapshotSection {
  if (kind === snapshotSectionKinds.data) return { kind, keyCount, run: body };
  if (kind === snapshotSectionKinds.configuration) return decodeConfiguration(body);
  if (kind === snapshotSectionKinds.history) return decodeHistory(body);
  if (kind === snapshotSectionKinds.sessions) return { kind, records: decodeSessions(body) };
  if (kind === snapshotSectionKinds.leases) return { kind, leases: decodeLeases(body) };
  return decodeClusterTime(body);
}

function decodeHistory(body: Uint8Array): StateSection {
  const reader = new ProtobufReader(body);
  let historyId: string | null = null;
  let revisionBase = 0;
  let stateHash = '';
  while (reader.next()) {
    if (reader.field === 1) historyId = reader.string();
    else if (reader.field === 2) revisionBase = reader.uint();
    else if (reader.field === 3) stateHash = reader.string();
    else throw unknownField('history', reader.field);
  }
  return { kind: snapshotSectionKinds.history, historyId, revisionBase, stateHash };
}

function decodeClusterTime(body: Uint8Array): StateSection {
  const reader = new ProtobufReader(body);
  let clusterTimeMs = 0;
  while (reader.next()) {
    if (reader.field === 1) clusterTimeMs = reader.uint();
    else throw unknownField('cluster time', reader.field);
  }
  return { kind: snapshotSectionKinds.clusterTime, clusterTimeMs };
}

const fields = {
  voter: 1,
  outgoingVoter: 2,
  learner: 3,
  nextLearner: 4,
  autoLeave: 5,
  member: 6,
  configurationIndex: 7,
  binding: 8,
} as const;

function encodeConfiguration(section: ConfigurationSection): Uint8Array {
  const { configuration, configurationIndex, bindings } = section;
  const writer = new ProtobufWriter(1024);
  for (const id of configuration.voters) writer.uint(fields.voter, id);
  for (const id of configuration.outgoingVoters) writer.uint(fields.outgoingVoter, id);
  for (const id of configuration.learners) writer.uint(fields.learner, id);
  for (const id of configuration.nextLearners) writer.uint(fields.nextLearner, id);
  if (configuration.autoLeave) writer.bool(fields.autoLeave, true);
  for (const member of configuration.members) writer.bytes(fields.member, encodeMember(member));
  writer.uint(fields.configurationIndex, configurationIndex);
  for (const binding of bindings) writer.bytes(fields.binding, encodeBinding(binding));
  return writer.finish();
}

function decodeConfiguration(body: Uint8Array): ConfigurationSection {
  const reader = new ProtobufReader(body);
  const voters: NodeId[] = [];
  const outgoingVoters: NodeId[] = [];
  const learners: NodeId[] = [];
  const nextLearners: NodeId[] = [];
  const members: Member[] = [];
  const bindings: BoundMember[] = [];
  let autoLeave = false;
  let configurationIndex: LogIndex = 0;
  while (reader.next()) {
    if (reader.field === fields.voter) voters.push(reader.uint());
    else if (reader.field === fields.outgoingVoter) outgoingVoters.push(reader.uint());
    else if (reader.field === fields.learner) learners.push(reader.uint());
    else if (reader.field === fields.nextLearner) nextLearners.push(reader.uint());
    else if (reader.field === fields.autoLeave) autoLeave = reader.bool();
    else if (reader.field === fields.member) members.push(decodeMember(reader.bytes()));
    else if (reader.field === fields.configurationIndex) configurationIndex = reader.uint();
    else if (reader.field === fields.binding) bindings.push(decodeBinding(reader.bytes()));
    else throw unknownField('configuration', reader.field);
  }
  const who = { voters, outgoingVoters, learners, nextLearners };
  const configuration: Configuration = { ...who, autoLeave, members };
  const { configuration: kind } = snapshotSectionKinds;
  return { kind, configuration, configurationIndex, bindings };
}

function encodeBinding(binding: BoundMember): Uint8Array {
  const writer = new ProtobufWriter(64);
  writer.uint(1, binding.nodeId);
  writer.string(2, binding.instanceId);
  writer.uint(3, binding.index);
  return writer.finish();
}

function decodeBinding(bytes: Uint8Array): BoundMember {
  const reader = new ProtobufReader(bytes);
  let nodeId = 0;
  let instanceId = '';
  let index: LogIndex = 0;
  while (reader.next()) {
    if (reader.field === 1) nodeId = reader.uint();
    else if (reader.field === 2) instanceId = reader.string();
    else if (reader.field === 3) index = reader.uint();
    else throw unknownField('binding', reader.field);
  }
  return { nodeId, instanceId, index };
}

function unknownField(section: string, field: number): MalformedMessage {
  return new MalformedMessage(`${section} field ${field} is not known: upgrade this node`);
}
