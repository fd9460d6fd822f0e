import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const repositoryRoot: string = join(import.meta.dirname, '../../../..');

/** A user's project outside of the repository, which has installed what npm would give out. */
export class UserFolder {
  readonly path: string;
  /** The file that npm would give out. */
  readonly tarball: string;

  private constructor(path: string, tarball: string) {
    this.path = path;
    this.tarball = tarball;
  }

  /** Packs the package anew and installs it without a network. */
  static make(): UserFolder {
    const path = mkdtempSync(join(tmpdir(), 'd-engine-user-'));
    execFileSync('npm', ['run', '--silent', 'package'], { cwd: repositoryRoot });
    const [tarball, ...others] = packed(path, [
      'packages/d-engine',
      'node_modules/commander',
      'node_modules/@types/node',
      'node_modules/undici-types',
    ]);
    if (tarball === undefined) throw new Error('npm packed nothing');
    writeFileSync(join(path, 'package.json'), '{ "name": "user", "private": true }\n');
    const flags = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    execFileSync('npm', ['install', ...flags, tarball, ...others], { cwd: path, stdio: 'pipe' });
    return new UserFolder(path, tarball);
  }

  write(name: string, text: string): void {
    const file = join(this.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** What the program printed; throws with all that it said when it failed. */
  run(command: string, args: readonly string[]): string {
    try {
      return execFileSync(command, args, { cwd: this.path, encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function packed(folder: string, directories: readonly string[]): string[] {
  const sources = directories.map((directory) => join(repositoryRoot, directory));
  const flags = ['--silent', '--ignore-scripts', '--pack-destination', folder];
  const names = execFileSync('npm', ['pack', ...flags, ...sources], { encoding: 'utf8' });
  return names
    .trim()
    .split('\n')
    .map((name) => join(folder, name));
}
