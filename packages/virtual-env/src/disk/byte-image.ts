const pageBytes = 4096;
const zeroPage: Uint8Array = new Uint8Array(pageBytes);

/**
 * A file's bytes in pages, those that hold only zeros left out: preallocated segments are 64 MiB
 * of zeros each, and a world holds many.
 */
export class ByteImage {
  #pages: (Uint8Array | undefined)[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds what the image has of [position, position + target.length) to a target of zeros. */
  readInto(target: Uint8Array, position: number): void {
    const end = Math.min(position + target.length, this.#length);
    let at = position;
    while (at < end) {
      const offset = at % pageBytes;
      const count = Math.min(pageBytes - offset, end - at);
      const page = this.#pages[(at - offset) / pageBytes];
      if (page !== undefined) target.set(page.subarray(offset, offset + count), at - position);
      at += count;
    }
  }

  write(position: number, bytes: Uint8Array): void {
    this.#splice(position, bytes.length, bytes);
  }

  writeZeros(position: number, length: number): void {
    this.#splice(position, length, undefined);
  }

  /** Cuts, or extends with zeros. */
  setLength(length: number): void {
    if (length < this.#length) {
      this.#splice(length, this.#length - length, undefined);
      this.#pages.length = Math.min(this.#pages.length, Math.ceil(length / pageBytes));
    }
    this.#length = length;
  }

  #splice(position: number, length: number, bytes: Uint8Array | undefined): void {
    const end = position + length;
    let at = position;
    while (at < end) {
      const offset = at % pageBytes;
      const count = Math.min(pageBytes - offset, end - at);
      const chunk = bytes?.subarray(at - position, at - position + count);
      this.#writePage((at - offset) / pageBytes, offset, count, chunk);
      at += count;
    }
    this.#length = Math.max(this.#length, end);
  }

  #writePage(index: number, offset: number, count: number, chunk: Uint8Array | undefined): void {
    let page = this.#pages[index];
    if (page === undefined) {
      if (chunk === undefined || isZero(chunk)) return;
      page = new Uint8Array(pageBytes);
      while (this.#pages.length < index) this.#pages.push(undefined);
      this.#pages[index] = page;
    } else if (chunk === undefined && count === pageBytes) {
      this.#pages[index] = undefined;
      return;
    }
    if (chunk === undefined) page.fill(0, offset, offset + count);
    else page.set(chunk, offset);
  }
}

/** Compares by memcmp, page by page. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const part = bytes.subarray(at, at + pageBytes);
    if (Buffer.compare(part, zeroPage.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}
