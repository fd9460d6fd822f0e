import type { ProtobufReader, ProtobufWriter, SessionStamp } from '@d-engine/base';

// A session stamp is three fields side by side in the message that carries it, from `first` on.

export function writeSession(
  writer: ProtobufWriter,
  first: number,
  session: SessionStamp | undefined,
): void {
  if (session === undefined) return;
  writer.uint(first, session.session);
  writer.uint(first + 1, session.sequence);
  writer.uint(first + 2, session.lowestUnacknowledged);
}

/** Gathers the three fields; a stamp exists once the session itself was named. */
export class SessionFields {
  readonly #first: number;
  #session: number | undefined;
  #sequence = 0;
  #lowestUnacknowledged = 0;

  constructor(first: number) {
    this.#first = first;
  }

  /** True when the reader's field was one of ours and is read now. */
  take(reader: ProtobufReader): boolean {
    const place = reader.field - this.#first;
    if (place === 0) this.#session = reader.uint();
    else if (place === 1) this.#sequence = reader.uint();
    else if (place === 2) this.#lowestUnacknowledged = reader.uint();
    else return false;
    return true;
  }

  stamp(): SessionStamp | undefined {
    if (this.#session === undefined) return undefined;
    return {
      session: this.#session,
      sequence: this.#sequence,
      lowestUnacknowledged: this.#lowestUnacknowledged,
    };
  }
}
