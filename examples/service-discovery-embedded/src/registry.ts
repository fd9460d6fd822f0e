import type { ClientApi } from 'd-engine';

const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();

/** Where one instance of a service is reached. */
export interface Instance {
  readonly service: string;
  readonly id: string;
  readonly address: string;
}

export type RegistryChange =
  /** All that is there; what came before counts no more. */
  | { readonly type: 'all'; readonly instances: readonly Instance[] }
  | { readonly type: 'came'; readonly instance: Instance; readonly before: string | undefined }
  | { readonly type: 'went'; readonly instance: Instance };

/** Services under the keys `services/NAME/ID`, each with its address. */
export class Registry {
  readonly #store: ClientApi;

  constructor(store: ClientApi) {
    this.#store = store;
  }

  async register({ service, id, address }: Instance): Promise<void> {
    await this.#store.put(keyOf(service, id), address);
  }

  async unregister(service: string, id: string): Promise<void> {
    await this.#store.delete(keyOf(service, id));
  }

  /**
   * Every change of a service's instances, without a gap: the watch comes first, then what is there
   * already, then what the watch tells of later revisions.
   */
  async *watch(service: string, signal: AbortSignal): AsyncGenerator<RegistryChange, void> {
    const prefix = keyOf(service, '');
    let known = new Map<string, string>();
    /** Up to here `known` has everything. */
    let upTo = 0;
    for await (const batch of this.#store.watch({ prefix }, { previousValues: true, signal })) {
      if (batch.type === 'ready' || batch.type === 'resync') {
        const all = await this.#list(prefix);
        known = new Map(all.entries);
        upTo = all.revision;
        yield { type: 'all', instances: [...known].map(([id, at]) => instanceOf(service, id, at)) };
      } else if (batch.type === 'events' && batch.token.revision > upTo) {
        for (const event of batch.events) {
          const id = text(event.key).slice(prefix.length);
          const before = known.get(id);
          if (event.type === 'put') {
            known.set(id, text(event.value));
            yield { type: 'came', instance: instanceOf(service, id, text(event.value)), before };
          } else {
            known.delete(id);
            yield { type: 'went', instance: instanceOf(service, id, before ?? '') };
          }
        }
      }
    }
  }

  async #list(prefix: string): Promise<{ entries: [string, string][]; revision: number }> {
    const read: [string, string][] = [];
    let revision: number | undefined;
    let cursor: string | undefined;
    do {
      const page = await this.#store.scan({ prefix }, cursor === undefined ? {} : { cursor });
      for (const { key, value } of page.entries) {
        read.push([text(key).slice(prefix.length), text(value)]);
      }
      // What changed between two pages is told again by the watch, which begins before the first.
      revision ??= page.firstRevision;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return { entries: read, revision };
  }
}

function keyOf(service: string, id: string): string {
  return `services/${service}/${id}`;
}

function instanceOf(service: string, id: string, address: string): Instance {
  return { service, id, address };
}
