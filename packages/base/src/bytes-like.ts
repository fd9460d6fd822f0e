/** Text is UTF-8. */
export type BytesLike = Uint8Array | string;
