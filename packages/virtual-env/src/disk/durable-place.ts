/** Where the platter has a node, in terms that need not tell files from directories. */
export interface DurablePlace {
  readonly directory: { readonly durable: Map<string, unknown> };
  readonly name: string;
}
