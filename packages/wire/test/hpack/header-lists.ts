import fc from 'fast-check';
import type { HeaderList } from '../../src/hpack/header-list.ts';

export const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** Few of them, so that tables, caches and evictions have something to find. */
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(':path', ':status', 'te', 'cookie', 'grpc-timeout') },
  { weight: 4, arbitrary: fc.constantFrom('x-a', 'x-bb', 'authorization', 'user-agent') },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z-]{1,12}$/) },
);
const latin1 = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 });
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', '200', '/', '/a.b.C/D', 'trailers', 'secret', '5S') },
  { weight: 1, arbitrary: fc.constantFrom('v'.repeat(60), 'w'.repeat(300), 'x'.repeat(5000)) },
  { weight: 2, arbitrary: latin1.map((bytes) => String.fromCharCode(...bytes)) },
);

export const headerList: fc.Arbitrary<HeaderList> = fc
  .array(fc.tuple(name, value), { maxLength: 8 })
  .map((fields) => fields.flat());
