import type { KeyDeclaration, SectionDeclaration } from './key-declaration.ts';
import { clusterSection } from './sections/cluster.ts';
import { electionSection } from './sections/election.ts';
import { clientSection, httpSection, limitsSection, topSection } from './sections/front.ts';
import {
  autoJoinSection,
  membershipSection,
  promotionSection,
  zombieSection,
} from './sections/membership.ts';
import { networkSection, planeKeys, planeSections, planes } from './sections/network.ts';
import { persistenceSection, storageSection } from './sections/persistence.ts';
import { backpressureSection, raftSection } from './sections/raft.ts';
import { compressionSection, readConsistencySection } from './sections/read-consistency.ts';
import { batchingSection, replicationSection } from './sections/replication.ts';
import {
  installSnapshotRetrySection,
  retryPolicySections,
  retrySection,
} from './sections/retry.ts';
import { snapshotSection } from './sections/snapshot.ts';
import { raftMetricsSection, ttlSection, watchSection } from './sections/state-machine.ts';
import { tlsSection } from './sections/tls.ts';

/** Every key that a configuration may hold, in the order of the reference page. */
export const allSections: readonly SectionDeclaration[] = [
  clusterSection,
  raftSection,
  electionSection,
  replicationSection,
  batchingSection,
  backpressureSection,
  persistenceSection,
  readConsistencySection,
  ttlSection,
  watchSection,
  snapshotSection,
  membershipSection,
  zombieSection,
  promotionSection,
  autoJoinSection,
  compressionSection,
  raftMetricsSection,
  httpSection,
  clientSection,
  limitsSection,
  networkSection,
  ...planes.map((plane) => planeSections[plane]),
  storageSection,
  tlsSection,
  retrySection,
  ...Object.values(retryPolicySections),
  installSnapshotRetrySection,
  topSection,
];

export interface RegisteredKey {
  /** Whole name in its first spelling. */
  readonly path: string;
  readonly section: SectionDeclaration;
  readonly declaration: KeyDeclaration;
}

export interface Schema {
  readonly keys: readonly RegisteredKey[];
  /** What each accepted spelling sets: one key, or the same key of all planes. */
  readonly bySpelling: ReadonlyMap<string, readonly RegisteredKey[]>;
  /** Tables, by each accepted name; the inner ones imply the outer ones. */
  readonly tables: ReadonlyMap<string, SectionDeclaration | undefined>;
}

export function joinPath(section: string, name: string): string {
  return section === '' ? name : `${section}.${name}`;
}

function buildSchema(): Schema {
  const keys: RegisteredKey[] = [];
  const bySpelling = new Map<string, RegisteredKey[]>();
  const tables = new Map<string, SectionDeclaration | undefined>();
  for (const section of allSections) {
    const sectionNames = [section.path, ...(section.aliases ?? [])];
    for (const name of sectionNames) addTable(tables, name, section);
    for (const declaration of Object.values(section.keys)) {
      const key = { path: joinPath(section.path, declaration.key), section, declaration };
      keys.push(key);
      for (const spelling of spellingsOf(sectionNames, declaration)) {
        addSpelling(bySpelling, spelling, key);
      }
    }
  }
  return { keys, bySpelling, tables };
}

function addTable(
  tables: Map<string, SectionDeclaration | undefined>,
  name: string,
  section: SectionDeclaration,
): void {
  const parts = name.split('.');
  for (let length = 1; length < parts.length; length += 1) {
    const outer = parts.slice(0, length).join('.');
    if (!tables.has(outer)) tables.set(outer, undefined);
  }
  tables.set(name, section);
}

function spellingsOf(sectionNames: readonly string[], declaration: KeyDeclaration): string[] {
  const spellings: string[] = [];
  for (const name of [declaration.key, ...(declaration.aliases ?? [])]) {
    if (name.includes('.')) spellings.push(name);
    else spellings.push(...sectionNames.map((section) => joinPath(section, name)));
  }
  for (const name of declaration.flatAliases ?? []) spellings.push(`network.${name}`);
  return spellings;
}

function addSpelling(
  bySpelling: Map<string, RegisteredKey[]>,
  spelling: string,
  key: RegisteredKey,
): void {
  const known = bySpelling.get(spelling);
  if (known === undefined) bySpelling.set(spelling, [key]);
  else known.push(key);
}

export const schema: Schema = buildSchema();

/** Spellings that a plane's own key goes before: those of v0.1.2 that set all planes. */
export const flatSpellings: ReadonlySet<string> = new Set(
  Object.values(planeKeys).flatMap((key) => key.flatAliases.map((name) => `network.${name}`)),
);
