import { sectorBytes } from './disk-layout.ts';

// A long value is written `NAME:BYTES` in histories, in which it is compared and searched for all
// the time, and in full on its way to the store: NAME:BYTES|NAME:BYTES|... up to that length.

const end = '|';

export function longValueName(name: string, bytes: number): string {
  return `${name}:${bytes}`;
}

/** What is sent for a value of this name: the name itself, unless it is that of a long one. */
export function textOfValue(name: string): string {
  const bytes = bytesOfValue(name);
  if (bytes <= name.length) return name;
  const unit = `${name}${end}`;
  return unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);
}

/** The name of what was read; a text that is not whole has none, and stands for itself. */
export function nameOfText(text: string): string {
  const length = text.indexOf(end);
  if (length < 0) return text;
  const name = text.slice(0, length);
  return textOfValue(name) === text ? name : text;
}

/** On its way and on disk, without what goes around it. */
export function bytesOfValue(name: string): number {
  const length = /:(\d+)$/.exec(name)?.[1];
  return length === undefined ? name.length : Number(length);
}

/** Whoever writes it needs more than one sector of the disk. */
export function spansSectors(name: string): boolean {
  return bytesOfValue(name) > sectorBytes;
}
