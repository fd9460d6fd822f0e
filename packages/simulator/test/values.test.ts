import { expect, test } from 'vitest';
import {
  bytesOfValue,
  longValueName,
  nameOfText,
  spansSectors,
  textOfValue,
} from '../src/values.ts';

test('a long value is its name to the history, and as long as that says to the store', () => {
  for (const bytes of [20, 600, 5_000]) {
    const name = longValueName('c3-17', bytes);
    const text = textOfValue(name);
    expect(Buffer.byteLength(text)).toBe(bytes);
    expect(bytesOfValue(name)).toBe(bytes);
    expect(nameOfText(text)).toBe(name);
  }
  expect(spansSectors(longValueName('c3-17', 600))).toBe(true);
  expect(spansSectors('c3-17')).toBe(false);
});

test('a short one is sent as it is', () => {
  for (const name of ['c3-17', 'of the majority 1', '']) {
    expect(textOfValue(name)).toBe(name);
    expect(nameOfText(name)).toBe(name);
  }
});

test('what is not whole is nobody’s value', () => {
  const text = textOfValue(longValueName('c3-17', 600));
  const other = textOfValue(longValueName('c3-18', 600));
  const broken = [
    text.slice(0, -1),
    `${text}|`,
    text.slice(0, 512) + other.slice(512),
    `${text.slice(0, 300)}\0${text.slice(301)}`,
  ];
  for (const each of broken) expect(nameOfText(each)).toBe(each);
});
