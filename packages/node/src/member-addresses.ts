import type { Address, NodeId } from '@d-engine/base';
import type { Configuration } from '@d-engine/raft';
import { dialAddress } from './addresses.ts';
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

  /** For clients: in hints and in the status. */
  toTell(id: NodeId): Address | undefined {
    const { nodeId, advertiseAddress, listenAddress } = this.#settings;
    if (id === nodeId) return advertiseAddress ?? listenAddress;
    return this.#advertised.get(id) ?? this.#configured(id);
  }

  /** The file comes first: after the first start it is a list of addresses to try (rule 13). */
  #configured(id: NodeId): Address | undefined {
    const listed = this.#settings.initialMembers.find((member) => member.id === id);
    const member = this.#configuration().members.find((each) => each.id === id);
    return listed?.address ?? member?.address;
  }
}
