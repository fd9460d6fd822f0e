import { type LogLevel, logLevels } from '@d-engine/base';
import type { Findings } from './findings.ts';
import type { LogConfig, MetricsConfig } from './node-config.ts';
import { type Environment, readVariable } from './parse-environment.ts';

const portMax = 65_535;
const metricsPortBase = 9100;

/** Variables that start scripts of the guides set, besides the `RAFT__` ones. */
export const environmentVariables: readonly { readonly name: string; readonly doc: string }[] = [
  { name: 'CONFIG_PATH', doc: 'File to load; `.toml` may be left out. It must exist.' },
  {
    name: 'RAFT__SECTION__KEY',
    doc: 'Any key above, such as `RAFT__CLUSTER__NODE_ID=2`; goes before the file.',
  },
  { name: 'LOG_LEVEL', doc: `One of ${logLevels.join(', ')}; default warn.` },
  { name: 'LOG_DIR', doc: 'Goes before `cluster.log_dir`.' },
  {
    name: 'METRICS_PORT',
    doc: `Port of the metrics; default ${metricsPortBase} + node_id; 0 picks a free one.`,
  },
];

export function settleLog(
  environment: Environment,
  configuredDirectory: string,
  nodeId: number,
  findings: Findings,
): LogConfig {
  const directory = readVariable(environment, 'LOG_DIR') ?? configuredDirectory;
  const file = `${directory.replace(/\/+$/, '')}/${nodeId}/d.log`;
  return { level: readLogLevel(environment, findings), directory, file };
}

function readLogLevel(environment: Environment, findings: Findings): LogLevel {
  const variable = 'LOG_LEVEL';
  const text = readVariable(environment, variable);
  if (text === undefined) return 'warn';
  const level = logLevels.find((candidate) => candidate === text.toLowerCase());
  if (level !== undefined) return level;
  const choices = logLevels.join(', ');
  findings.problem(`"${text}" is not a log level; known are ${choices}`, {
    origin: { kind: 'environment', variable },
  });
  return 'warn';
}

export function settleMetrics(
  environment: Environment,
  nodeId: number,
  findings: Findings,
): MetricsConfig {
  const variable = 'METRICS_PORT';
  const text = readVariable(environment, variable);
  if (text === undefined) {
    const port = metricsPortBase + nodeId;
    if (port <= portMax) return { port };
    const sum = `${metricsPortBase} + node_id ${nodeId}`;
    findings.warn(`${variable} is not set and ${sum} is no port: a free one is picked`);
    return { port: 0 };
  }
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= portMax) return { port };
  findings.problem(`"${text}" is not a port: it must be from 0 to ${portMax}`, {
    origin: { kind: 'environment', variable },
  });
  return { port: 0 };
}
