import type { Address, NodeId } from '@d-engine/base';
import type { Configuration } from '@d-engine/raft';
import { dialAddress, splitAddress } from './addresses.ts';
import type { NodeSettings } from './settings.ts';

/** Where each member is reached: by its peers, and by clients, which may be two addresses. */
export class MemberAddresses {
  readonly #settings: NodeSettings;
  readonly #configuration: () => Configuration;
  /** As members said themselves. Bounded: only members get so far. */
  readonly #advertised = new Map<NodeId, Address>();

  constructor(settings: NodeSettings, configuration: () => Configuration) {
    this.#settings = settings;
    this.#configuration = configuration;
  }

  /** What a member says of itself; undefined takes back what an earlier run of it said. */
  learn(id: NodeId, advertised: Address | undefined): void {
    if (advertised === undefined) this.#advertised.delete(id);
    else this.#advertised.set(id, advertised);
  }

  /** For this member's own links. */
  toDial(id: NodeId): Address | undefined {
    const address = this.#configured(id);
    return address && dialAddress(address);
  }

  /**
   * That stand for a member, without brackets: its certificate bears one of them. What members say
   * of themselves is not among them.
   */
  hosts(id: NodeId): readonly string[] {
    const addresses = [this.#listed(id), this.#agreed(id)].filter((one) => one !== undefined);
    const hosts = addresses.map((address) => splitAddress(dialAddress(address)).host);
    return [...new Set(hosts.map((host) => host.replace(/^\[(.*)\]$/, '$1')))];
  }

  /** For clients: in hints and in the status. */
  toTell(id: NodeId): Address | undefined {
    const { nodeId, advertiseAddress, listenAddress } = this.#settings;
    if (id === nodeId) return advertiseAddress ?? listenAddress;
    return this.#advertised.get(id) ?? this.#configured(id);
  }

  /** The file comes first: after the first start it is a list of addresses to try (rule 13). */
  #configured(id: NodeId): Address | undefined {
    return this.#listed(id) ?? this.#agreed(id);
  }

  #listed(id: NodeId): Address | undefined {
    return this.#settings.initialMembers.find((member) => member.id === id)?.address;
  }

  #agreed(id: NodeId): Address | undefined {
    return this.#configuration().members.find((member) => member.id === id)?.address;
  }
}
