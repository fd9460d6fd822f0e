/**
 * Where the record of each slot lies. A slot is a small number that stands for one key as long as
 * the key is there; records move, slots do not.
 */
const slotsPerPage = 1024;
const pageShift = 10;
const slotMask = slotsPerPage - 1;
const nobody = 0xffff_ffff;

/** Slab id and offset of each slot; of a free one `nobody` and the next free one. */
export interface SlotPage {
  readonly words: Uint32Array;
  readonly epoch: number;
}

/** The pages as they were at one moment. */
export type SlotPages = readonly SlotPage[];

export function slabIdOf(pages: SlotPages, slot: number): number {
  const page = pages[slot >>> pageShift] as SlotPage;
  return page.words[(slot & slotMask) << 1] as number;
}

export function offsetOf(pages: SlotPages, slot: number): number {
  const page = pages[slot >>> pageShift] as SlotPage;
  return page.words[((slot & slotMask) << 1) + 1] as number;
}

export class SlotTable {
  readonly #pages: SlotPage[] = [];
  #firstFree = nobody;
  #epoch = 1;
  /** Pages of this epoch and older belong to views: they are copied before they change. */
  #frozenEpoch = 0;

  get pages(): SlotPages {
    return this.#pages;
  }

  take(): number {
    if (this.#firstFree === nobody) this.#grow();
    const slot = this.#firstFree;
    this.#firstFree = offsetOf(this.#pages, slot);
    return slot;
  }

  give(slot: number): void {
    this.place(slot, nobody, this.#firstFree);
    this.#firstFree = slot;
  }

  place(slot: number, slabId: number, offset: number): void {
    const number = slot >>> pageShift;
    let page = this.#pages[number] as SlotPage;
    if (page.epoch <= this.#frozenEpoch) {
      page = { words: page.words.slice(), epoch: this.#epoch };
      this.#pages[number] = page;
    }
    const at = (slot & slotMask) << 1;
    page.words[at] = slabId;
    page.words[at + 1] = offset;
  }

  freeze(): SlotPages {
    this.#frozenEpoch = this.#epoch;
    this.#epoch += 1;
    return this.#pages.slice();
  }

  thaw(epoch: number): void {
    this.#frozenEpoch = epoch;
  }

  #grow(): void {
    const first = this.#pages.length * slotsPerPage;
    const words = new Uint32Array(slotsPerPage * 2);
    for (let position = 0; position < slotsPerPage; position++) {
      words[position * 2] = nobody;
      words[position * 2 + 1] = position === slotMask ? nobody : first + position + 1;
    }
    this.#pages.push({ words, epoch: this.#epoch });
    this.#firstFree = first;
  }
}
