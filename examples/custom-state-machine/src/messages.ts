// The command type of this machine. The engine carries bytes; what they mean is decided here.

export type BankCommand =
  | { readonly type: 'deposit'; readonly to: string; readonly amount: number }
  | {
      readonly type: 'transfer';
      readonly from: string;
      readonly to: string;
      readonly amount: number;
    };

export type BankAnswer =
  /** Of the account that got the money. */
  { readonly ok: true; readonly balance: number } | { readonly ok: false; readonly reason: string };

export function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Undefined for bytes that are no command. */
export function decode(bytes: Uint8Array): BankCommand | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  const command = value as BankCommand;
  if (typeof command.to !== 'string' || typeof command.amount !== 'number') return undefined;
  if (command.type === 'deposit') return command;
  return command.type === 'transfer' && typeof command.from === 'string' ? command : undefined;
}
