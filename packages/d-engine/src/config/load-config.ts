import { ConfigError } from './config-error.ts';
import { Findings } from './findings.ts';
import { MergedSettings } from './merged-settings.ts';
import type { NodeConfig } from './node-config.ts';
import { type Environment, parseEnvironmentSettings, readVariable } from './parse-environment.ts';
import { readObject } from './parse-json.ts';
import { parseTomlSettings } from './parse-toml.ts';
import { type Layer, readLayer } from './read-layer.ts';
import { clusterSection } from './sections/cluster.ts';
import { settleConfig } from './settle-config.ts';

export interface LoadConfigOptions {
  /** Goes before CONFIG_PATH; `.toml` may be left out. */
  readonly configPath?: string | undefined;
  /** Instead of a file: the defaults and the environment, with the data in this directory. */
  readonly dataDir?: string | undefined;
  /** Instead of a file, or beside `dataDir`: the same tables and keys as an object. */
  readonly settings?: object | undefined;
  readonly environment: Environment;
  /** Undefined when there is no such file; throws when it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
}

export type ConfigSource =
  | { readonly kind: 'defaults' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'data-directory'; readonly path: string }
  | { readonly kind: 'object' };

export interface LoadedConfig {
  readonly config: NodeConfig;
  /** One line each. */
  readonly warnings: readonly string[];
  /** The same for the log: many keys of one kind share a line. */
  readonly foldedWarnings: readonly string[];
  readonly source: ConfigSource;
  /** A member of its own that nobody gave an address: it needs no port. */
  readonly isAlone: boolean;
}

/**
 * Defaults, under the file, under the environment. Throws {@link ConfigError} with all that is
 * wrong; a file that was named and is not there is wrong too, never a fresh start.
 */
export function loadConfig(options: LoadConfigOptions): LoadedConfig {
  const findings = new Findings();
  const { environment } = options;
  const file = chooseFile(options, findings);
  const layers: Layer[] = [];
  if (file !== undefined) {
    const settings = parseTomlSettings(file.path, file.text, findings);
    if (settings !== undefined) layers.push(readLayer(settings, findings));
  }
  // Without its file the node would be judged by defaults: only the environment is still read.
  if (options.settings !== undefined)
    layers.push(readLayer(readObject(options.settings), findings));
  const baseMissing = findings.problems.length > 0 && layers.length === 0;
  layers.push(readLayer(parseEnvironmentSettings(environment, findings), findings));
  const merged = new MergedSettings(layers);
  if (baseMissing) throw new ConfigError(findings.problems);
  merged.warnOfNoEffect(findings);
  const config = settleConfig(merged, environment, options.dataDir, findings);
  if (findings.problems.length > 0) throw new ConfigError(findings.problems);
  const { warnings, foldedWarnings } = findings;
  const isAlone =
    config.cluster.members.length === 1 && !merged.isSet(clusterSection, 'listenAddress');
  return { config, warnings, foldedWarnings, source: sourceOf(options, file), isAlone };
}

interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

function sourceOf(options: LoadConfigOptions, file: ConfigFile | undefined): ConfigSource {
  const { dataDir, settings } = options;
  if (dataDir !== undefined) return { kind: 'data-directory', path: dataDir };
  if (settings !== undefined) return { kind: 'object' };
  return file === undefined ? { kind: 'defaults' } : { kind: 'file', path: file.path };
}

function chooseFile(options: LoadConfigOptions, findings: Findings): ConfigFile | undefined {
  const { configPath, dataDir, settings, environment } = options;
  const fromEnvironment = readVariable(environment, 'CONFIG_PATH');
  if (dataDir !== undefined || settings !== undefined) {
    const given = dataDir === undefined ? 'config' : 'dataDir';
    if (configPath !== undefined) findings.problem(`give either configPath or ${given}, not both`);
    if (dataDir?.trim() === '') findings.problem('dataDir is empty');
    if (fromEnvironment !== undefined) {
      findings.warn(`CONFIG_PATH = ${fromEnvironment} is ignored: ${given} was given`);
    }
    return undefined;
  }
  if (configPath !== undefined && configPath.trim() === '') {
    findings.problem('configPath is empty');
    return undefined;
  }
  const path = configPath ?? fromEnvironment;
  return path === undefined ? undefined : readConfigFile(path, options, findings);
}

function readConfigFile(
  path: string,
  { readFile }: LoadConfigOptions,
  findings: Findings,
): ConfigFile | undefined {
  const candidates = path.endsWith('.toml') ? [path] : [path, `${path}.toml`];
  let failure: string | undefined;
  for (const candidate of candidates) {
    try {
      const text = readFile(candidate);
      if (text !== undefined) return { path: candidate, text };
    } catch (error) {
      // `config/n1` may be a directory beside `config/n1.toml`: look on.
      const reason = error instanceof Error ? error.message : String(error);
      failure ??= `cannot read config file ${candidate}: ${reason}`;
    }
  }
  findings.problem(failure ?? `config file not found: ${candidates.join(' or ')}`);
  return undefined;
}
