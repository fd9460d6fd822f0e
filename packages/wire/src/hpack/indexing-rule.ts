/**
 * Whether a field is worth a place in the dynamic table.
 * - `always`: its value hardly ever changes on a connection.
 * - `repeated`: once the same value comes a second time. So a gRPC method gets a place, which is a
 *   `:path` like those of varying addresses, which get none.
 * - `never kept`: its value is another one each time; it would push out what repeats.
 * - `never indexed`: it is secret. No one on the way may put it into a table either, where its
 *   length could be probed by guesses (RFC 7541, 7.1).
 */
export type IndexingRule = 'always' | 'repeated' | 'never kept' | 'never indexed';

const steady = [
  ...[':authority', ':method', ':scheme', ':status', 'accept', 'accept-encoding', 'content-type'],
  ...['grpc-accept-encoding', 'grpc-encoding', 'grpc-status', 'server', 'te', 'user-agent'],
];
const varying = [
  ...['age', 'content-length', 'content-range', 'date', 'etag', 'expires', 'if-match'],
  ...['if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified'],
  ...['location', 'range', 'retry-after', 'traceparent', 'tracestate', 'x-request-id'],
  ...['grpc-message', 'grpc-previous-rpc-attempts', 'grpc-retry-pushback-ms', 'grpc-tags-bin'],
  ...['grpc-status-details-bin', 'grpc-timeout', 'grpc-trace-bin'],
];
const secret = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie'];

/** Of names that have a rule of their own; that of all others is `repeated`. */
export const indexingRules: ReadonlyMap<string, IndexingRule> = new Map<string, IndexingRule>([
  ...steady.map((name): [string, IndexingRule] => [name, 'always']),
  ...varying.map((name): [string, IndexingRule] => [name, 'never kept']),
  ...secret.map((name): [string, IndexingRule] => [name, 'never indexed']),
]);
