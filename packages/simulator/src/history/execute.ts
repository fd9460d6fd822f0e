import type { ClientApi } from '@d-engine/base';
import { nameOfText, textOfValue } from '../values.ts';
import type { Answer, Command, Value } from './operation.ts';

/** Performs a command through any client of ours. */
export async function execute(client: ClientApi, key: string, command: Command): Promise<Answer> {
  switch (command.type) {
    case 'read': {
      const { consistency } = command;
      const { entries, revision } = await client.read([key], { consistency });
      const found = entries[0] ?? null;
      if (found === null) return { type: 'read', value: null, revision };
      const value = nameOf(found.value);
      return { type: 'read', value, modRevision: found.modRevision, revision };
    }
    case 'put': {
      // A TTL that is not asked for would excuse a value that was lost.
      if (command.ttlMs !== undefined) throw new Error('no client can give a value a TTL yet');
      const { revision } = await client.put(key, textOfValue(command.value));
      return { type: 'put', revision };
    }
    case 'delete': {
      const { deleted, revision } = await client.delete(key);
      return { type: 'delete', deleted, revision };
    }
    case 'compareAndSwap': {
      const { expected, value } = command;
      const { succeeded, current, revision } = await client.compareAndSwap(
        key,
        expected === null ? null : textOfValue(expected),
        value === null ? null : textOfValue(value),
      );
      const told = succeeded ? {} : { current: current === null ? null : nameOf(current) };
      return { type: 'compareAndSwap', succeeded, ...told, revision };
    }
  }
}

function nameOf(bytes: Uint8Array): string {
  return nameOfText(Buffer.from(bytes).toString());
}

/** What the key held right after the answered command; undefined when it does not tell. */
export function valueAfter(command: Command, answer: Answer): Value | undefined {
  if (command.type === 'put') return command.value;
  if (command.type === 'delete') return null;
  if (answer.type === 'read') return answer.value;
  if (command.type !== 'compareAndSwap' || answer.type !== 'compareAndSwap') return undefined;
  return answer.succeeded ? command.value : answer.current;
}
