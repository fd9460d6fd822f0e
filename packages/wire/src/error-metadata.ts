import { ProtobufReader, ProtobufWriter } from '@d-engine/base';

/** `d_engine.error.ErrorMetadata`: what is said about an error beside its code. */
export interface ErrorMetadata {
  readonly retryAfterMs?: number | undefined;
  /** A node id, as text: the original has it so. */
  readonly leaderId?: string | undefined;
  readonly leaderAddress?: string | undefined;
  /** What happened and what to do. */
  readonly debugMessage?: string | undefined;
  /** Absent in answers of the original. */
  readonly mayHaveBeenApplied?: boolean | undefined;
  readonly retryable?: boolean | undefined;
}

export function encodeErrorMetadata(metadata: ErrorMetadata): Uint8Array {
  const writer = new ProtobufWriter(128);
  if (metadata.retryAfterMs !== undefined) writer.uint(1, metadata.retryAfterMs);
  if (metadata.leaderId !== undefined) writer.string(2, metadata.leaderId);
  if (metadata.leaderAddress !== undefined) writer.string(3, metadata.leaderAddress);
  if (metadata.debugMessage !== undefined) writer.string(15, metadata.debugMessage);
  if (metadata.mayHaveBeenApplied !== undefined) writer.bool(100, metadata.mayHaveBeenApplied);
  if (metadata.retryable !== undefined) writer.bool(101, metadata.retryable);
  return writer.finish();
}

export function decodeErrorMetadata(bytes: Uint8Array): ErrorMetadata {
  const reader = new ProtobufReader(bytes);
  const metadata: { -readonly [Name in keyof ErrorMetadata]: ErrorMetadata[Name] } = {};
  while (reader.next()) {
    if (reader.field === 1) metadata.retryAfterMs = reader.uint();
    else if (reader.field === 2) metadata.leaderId = reader.string();
    else if (reader.field === 3) metadata.leaderAddress = reader.string();
    else if (reader.field === 15) metadata.debugMessage = reader.string();
    else if (reader.field === 100) metadata.mayHaveBeenApplied = reader.bool();
    else if (reader.field === 101) metadata.retryable = reader.bool();
    else reader.skip();
  }
  return metadata;
}
