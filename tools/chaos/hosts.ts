import { spawnSync } from 'node:child_process';

/** A node, or the host of all clients. */
export type Place = number | 'clients';

/** Where the nodes of a run live, and what can be done to the links between them. */
export interface Hosts {
  /** False: all share one loopback, which cannot be cut. */
  readonly canCut: boolean;
  hostOf(id: number): string;
  /** The command that starts a process on the node's host. */
  wrapperOf(id: number): readonly string[];
  /** From now on nothing that `from` sends reaches `to`. */
  cut(from: Place, to: Place): void;
  mend(from: Place, to: Place): void;
  heal(): void;
  /** Whether any link from it or to it is cut. */
  isCut(place: Place): boolean;
}

/** All nodes on the loopback of this machine. */
export const loopbackHosts: Hosts = {
  canCut: false,
  hostOf: () => '127.0.0.1',
  wrapperOf: () => [],
  cut: () => {
    throw new Error('links of the loopback cannot be cut');
  },
  mend: () => undefined,
  heal: () => undefined,
  isCut: () => false,
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
  /** By its two ends. */
  readonly #cuts = new Map<string, readonly [Place, Place]>();

  constructor(names: NamespaceNames) {
    this.#names = names;
  }

  hostOf(id: number): string {
    return `10.213.77.${id}`;
  }

  wrapperOf(id: number): readonly string[] {
    return ['ip', 'netns', 'exec', namespaceOf(this.#names, id)];
  }

  cut(from: Place, to: Place): void {
    const name = nameOfCut(from, to);
    if (this.#cuts.has(name)) return;
    this.#cuts.set(name, [from, to]);
    // No packet filter is needed: what has nowhere to go is dropped by the sender's own routes.
    this.#route('add', from, to);
  }

  mend(from: Place, to: Place): void {
    if (this.#cuts.delete(nameOfCut(from, to))) this.#route('del', from, to);
  }

  heal(): void {
    for (const [from, to] of [...this.#cuts.values()]) this.mend(from, to);
  }

  isCut(place: Place): boolean {
    return [...this.#cuts.values()].some((ends) => ends.includes(place));
  }

  #route(change: 'add' | 'del', from: Place, to: Place): void {
    const { prefix } = this.#names;
    const namespace = from === 'clients' ? clientNamespaceOf(this.#names) : `${prefix}-n${from}`;
    const address = to === 'clients' ? clientAddress : this.hostOf(to);
    ip('-n', namespace, 'route', change, 'blackhole', `${address}/32`);
  }
}

const clientAddress = '10.213.77.254';

function nameOfCut(from: Place, to: Place): string {
  return `${from}-${to}`;
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
  ip('-n', clients, 'addr', 'add', `${clientAddress}/24`, 'dev', 'bridge');
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
