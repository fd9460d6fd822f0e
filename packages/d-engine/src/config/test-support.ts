import { ConfigError, type ConfigProblem } from './config-error.ts';
import { type LoadedConfig, loadConfig } from './load-config.ts';
import type { Environment } from './parse-environment.ts';

/** For tests: loads `toml` as if it stood in the file n1.toml. */
export function loadText(toml: string, environment: Environment = {}): LoadedConfig {
  return loadConfig({
    configPath: 'n1.toml',
    environment,
    readFile: (path) => (path === 'n1.toml' ? toml : undefined),
  });
}

/** For tests: loads from the environment alone. */
export function loadEnvironment(environment: Environment): LoadedConfig {
  return loadConfig({ environment, readFile: () => undefined });
}

/** For tests: what is wrong, or an empty list. */
export function problemsOf(load: () => unknown): readonly ConfigProblem[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

export function messagesOf(load: () => unknown): string[] {
  return problemsOf(load).map(({ message }) => message);
}
