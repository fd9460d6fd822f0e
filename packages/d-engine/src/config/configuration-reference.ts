import { type ConfigKey, configKeys } from './config-keys.ts';
import type { SectionDeclaration } from './key-declaration.ts';
import { roleStatusTable } from './member-role.ts';
import { allSections } from './schema.ts';
import { environmentVariables } from './settle-surroundings.ts';

/** The generated part of docs/configuration.md: every key, and where our defaults differ. */
export function renderConfigurationReference(): string {
  const keys = configKeys();
  const parts = [
    ...allSections.map((section) => renderSection(section, keys)),
    renderRoles(),
    renderVariables(),
    renderDifferences(keys),
  ];
  return `${parts.join('\n\n')}\n`;
}

function renderSection(section: SectionDeclaration, keys: readonly ConfigKey[]): string {
  const title = section.path === '' ? 'Top level' : `\`[${section.path}]\``;
  const names = (section.aliases ?? []).map((alias) => `\`[${alias}]\``).join(', ');
  const also = names === '' ? '' : ` Also written ${names}.`;
  const rows = keys.filter((key) => key.section === section.path).map(renderKey);
  const header = ['Key', 'Type', 'Default', 'Bounds', 'Effect', 'Meaning'];
  return `### ${title}\n\n${section.doc}${also}\n\n${renderTable(header, rows)}`;
}

function renderKey(key: ConfigKey): readonly string[] {
  const prefix = key.section === '' ? '' : `${key.section}.`;
  const spellings = key.aliases.map((alias) => `\`${alias}\``).join(', ');
  const also = spellings === '' ? '' : ` Also ${spellings}.`;
  const since = key.versions === undefined ? '' : ` (${describeVersions(key.versions)})`;
  const unit = key.unit === undefined ? '' : `, ${key.unit}`;
  return [
    `\`${key.key.slice(prefix.length)}\``,
    `${key.type}${unit}`,
    key.default === '' || key.defaultComputed ? key.default : `\`${key.default}\``,
    key.bounds,
    describeEffect(key),
    `${key.doc}${also}${since}`,
  ];
}

function describeEffect({ effect }: ConfigKey): string {
  switch (effect) {
    case 'active':
      return 'yes';
    case 'not-yet':
      return 'not yet: warns';
    case 'dead':
      return 'never: warns';
  }
}

function describeVersions(versions: string): string {
  return versions === 'own' ? 'not in the original' : versions;
}

function renderRoles(): string {
  const rows = roleStatusTable.map(({ role, statuses, meaning }) => [
    String(role),
    statuses.join(' or '),
    meaning,
  ]);
  const intro =
    'What `role` and `status` of a member in `cluster.initial_cluster` mean. Without both: an ' +
    'active voter, as with role 0, 1 or 2 and no status (v0.1.2). All else is refused.';
  const table = renderTable(['role', 'status', 'Member'], rows);
  return `### Roles of members\n\n${intro}\n\n${table}`;
}

function renderVariables(): string {
  const rows = environmentVariables.map(({ name, doc }) => [`\`${name}\``, doc]);
  return `### Environment\n\n${renderTable(['Variable', 'Meaning'], rows)}`;
}

/** The one default in the environment that is not the original's. */
const metricsPortDifference = [
  '`METRICS_PORT`',
  '9000',
  '9100 + node_id',
  'the nodes of one host must not want the same port',
];

function renderDifferences(keys: readonly ConfigKey[]): string {
  const rows = keys.flatMap((key) =>
    key.differs === undefined
      ? []
      : [[`\`${key.key}\``, key.differs.original, key.default, key.differs.reason]],
  );
  rows.push(metricsPortDifference);
  const header = ['Key', 'Original', 'Here', 'Why'];
  return `### Defaults that differ from the original\n\n${renderTable(header, rows)}`;
}

function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`;
  const rule = `|${header.map(() => '---').join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
