import { spawnSync } from 'node:child_process';

/** Where the nodes of a run live, and what can be done to the links between them. */
export interface Hosts {
  /** False: all share one loopback, which cannot be cut. */
  readonly canCut: boolean;
  hostOf(id: number): string;
  /** The command that starts a process on the node's host. */
  wrapperOf(id: number): readonly string[];
  /** From now on nothing that `from` sends reaches `to`. */
  cut(from: number, to: number): void;
  heal(): void;
}

/** All nodes on the loopback of this machine. */
export const loopbackHosts: Hosts = {
  canCut: false,
  hostOf: () => '127.0.0.1',
  wrapperOf: () => [],
  cut: () => {
    throw new Error('links of the loopback cannot be cut');
  },
  heal: () => undefined,
};

/** The name of the network namespaces of a run, and how many nodes have one. */
export interface NamespaceNames {
  readonly prefix: string;
  readonly nodes: number;
}

/**
 * One network namespace a node, joined by a bridge in one more, where the clients are. Nothing of
 * it is visible from the machine's own network.
 */
export class NamespaceHosts implements Hosts {
  readonly canCut = true;
  readonly #names: NamespaceNames;
  /** `from`-`to` pairs of ids. */
  readonly #cuts = new Set<string>();

  constructor(names: NamespaceNames) {
    this.#names = names;
  }

  hostOf(id: number): string {
    return `10.213.77.${id}`;
  }

  wrapperOf(id: number): readonly string[] {
    return ['ip', 'netns', 'exec', namespaceOf(this.#names, id)];
  }

  cut(from: number, to: number): void {
    const name = `${from}-${to}`;
    if (this.#cuts.has(name)) return;
    this.#cuts.add(name);
    // No packet filter is needed: what has nowhere to go is dropped by the sender's own routes.
    ip('-n', namespaceOf(this.#names, from), 'route', 'add', 'blackhole', `${this.hostOf(to)}/32`);
  }

  heal(): void {
    for (const name of this.#cuts) {
      const [from = 0, to = 0] = name.split('-').map(Number);
      const namespace = namespaceOf(this.#names, from);
      ip('-n', namespace, 'route', 'del', 'blackhole', `${this.hostOf(to)}/32`);
    }
    this.#cuts.clear();
  }
}

/** The namespace in which the clients run. */
export function clientNamespaceOf({ prefix }: NamespaceNames): string {
  return `${prefix}-clients`;
}

function namespaceOf({ prefix }: NamespaceNames, id: number): string {
  return `${prefix}-n${id}`;
}

/** Whether namespaces can be made here; it takes root and the `ip` command. */
export function canMakeNamespaces(): boolean {
  const name = `d-engine-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return false;
  return spawnSync('ip', ['netns', 'delete', name]).status === 0;
}

export function makeNamespaces(names: NamespaceNames): void {
  const clients = clientNamespaceOf(names);
  ip('netns', 'add', clients);
  ip('-n', clients, 'link', 'set', 'lo', 'up');
  ip('-n', clients, 'link', 'add', 'bridge', 'type', 'bridge');
  ip('-n', clients, 'addr', 'add', '10.213.77.254/24', 'dev', 'bridge');
  ip('-n', clients, 'link', 'set', 'bridge', 'up');
  for (let id = 1; id <= names.nodes; id++) {
    const namespace = namespaceOf(names, id);
    ip('netns', 'add', namespace);
    ip(
      '-n',
      clients,
      'link',
      'add',
      `port${id}`,
      'type',
      'veth',
      'peer',
      'eth0',
      'netns',
      namespace,
    );
    ip('-n', clients, 'link', 'set', `port${id}`, 'master', 'bridge', 'up');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'addr', 'add', `10.213.77.${id}/24`, 'dev', 'eth0');
    ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  }
}

/** Also of a half-made set: whatever is not there is no matter. */
export function removeNamespaces(names: NamespaceNames): void {
  for (let id = 1; id <= names.nodes; id++) {
    spawnSync('ip', ['netns', 'delete', namespaceOf(names, id)]);
  }
  spawnSync('ip', ['netns', 'delete', clientNamespaceOf(names)]);
}

function ip(...words: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr.trim()}`);
}
