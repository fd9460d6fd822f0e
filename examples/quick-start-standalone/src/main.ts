import { connect } from 'd-engine/client';

// Writes to a running cluster by one of its members, whichever that is, and reads it back by all.

const endpoints = (
  process.env['ENDPOINTS'] ?? '127.0.0.1:9081,127.0.0.1:9082,127.0.0.1:9083'
).split(',');
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

// The client knows one member only: it learns from it who leads, and goes there.
const [first = ''] = endpoints;
const writer = connect({ endpoints: [first] });
const { leader } = await writer.status();
console.log(`${first} says that node ${leader?.id} leads, at ${leader?.address}`);
const { revision } = await writer.put('greeting', 'hello');
console.log(`written at revision ${revision}`);
await writer.close();

for (const endpoint of endpoints) {
  const reader = connect({ endpoints: [endpoint] });
  const entry = await reader.get('greeting', { consistency: 'eventual', minRevision: revision });
  console.log(`${endpoint} holds ${text(entry?.value)}, revision ${entry?.modRevision}`);
  await reader.close();
}
