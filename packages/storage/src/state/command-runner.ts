import type { Revision, SessionStamp, WriteCommand } from '@d-engine/base';
import { decodeWriteCommand, limits, MalformedMessage } from '@d-engine/base';
import type { CommandResult, RefusalName } from '../command-result.ts';
import { expiredMessage } from './session-table.ts';
import type { StateTables } from './state-tables.ts';
import type { Problem } from './transaction-runner.ts';
import { leaseProblem, runTransaction, tooLong } from './transaction-runner.ts';

/** What commands change, and when. */
export interface CommandPlace {
  readonly tables: StateTables;
  readonly revision: Revision;
  readonly nowMs: number;
}

type CommandOf<Type extends WriteCommand['type']> = Extract<WriteCommand, { readonly type: Type }>;

/**
 * Carries out the command of an entry. Nothing that a client sends can make it throw: what cannot
 * be done is a result, the same on every member.
 */
export function runCommand(
  payload: Uint8Array,
  stamp: SessionStamp | undefined,
  place: CommandPlace,
): CommandResult {
  if (stamp === undefined) return runOnce(payload, false, place);
  const { sessions } = place.tables;
  const admission = sessions.admit(stamp, payload, place.nowMs, place.revision);
  if (admission.type === 'answered') return admission.result;
  const result = runOnce(payload, true, place);
  sessions.finish(stamp, payload, result);
  return result;
}

function runOnce(payload: Uint8Array, isStamped: boolean, place: CommandPlace): CommandResult {
  const command = decodeOrReason(payload);
  if (typeof command === 'string') return refused(place, 'InvalidRequest', command);
  switch (command.type) {
    case 'put':
      return runPut(command, place);
    case 'delete': {
      const deleted = place.tables.keys.delete(command.key, place.revision);
      return { type: 'delete', revision: place.revision, deleted };
    }
    case 'compareAndSwap':
      return runCompareAndSwap(command, place);
    case 'transaction': {
      const { keys, leases } = place.tables;
      return runTransaction(command, { ...place, keys, leases });
    }
    case 'grantLease':
      return grantLease(command, place);
    case 'keepLeaseAlive':
      return keepLeaseAlive(command, place);
    case 'revokeLease':
      return revokeLease(command, place);
    case 'openSession':
    case 'keepSessionAlive':
    case 'closeSession':
      // One that closed its own session would take away the place of its result.
      if (isStamped) {
        return refused(place, 'InvalidRequest', 'what concerns sessions rides on none');
      }
      return runSessionCommand(command, place);
  }
}

function runPut(command: CommandOf<'put'>, place: CommandPlace): CommandResult {
  const problem = lifetimeProblem(command, place);
  if (problem !== undefined) return refused(place, problem.error, problem.message);
  put(command.key, command.value, command, place);
  return { type: 'put', revision: place.revision };
}

function runCompareAndSwap(
  command: CommandOf<'compareAndSwap'>,
  place: CommandPlace,
): CommandResult {
  const problem = lifetimeProblem(command, place);
  if (problem !== undefined) return refused(place, problem.error, problem.message);
  const { key, expected, value } = command;
  const { tables, revision } = place;
  const { type } = command;
  const matches = tables.keys.holds(key, expected);
  if (!matches) return { type, revision, succeeded: false, current: tables.keys.copyValue(key) };
  if (value === null) tables.keys.delete(key, revision);
  else put(key, value, command, place);
  return { type, revision, succeeded: true, current: null };
}

interface Lifetime {
  readonly ttlMs: number;
  readonly lease?: number | undefined;
}

function lifetimeProblem({ ttlMs, lease }: Lifetime, place: CommandPlace): Problem | undefined {
  if (ttlMs > limits.ttlMsMax) return { error: 'InvalidRequest', message: tooLong(ttlMs) };
  return lease === undefined ? undefined : leaseProblem(place.tables.leases, lease, 1);
}

function put(
  key: Uint8Array,
  value: Uint8Array,
  { ttlMs, lease = 0 }: Lifetime,
  { tables, revision, nowMs }: CommandPlace,
): void {
  const expiresAt = ttlMs === 0 ? 0 : nowMs + ttlMs;
  tables.keys.put(key, value, { revision, expiresAt, lease });
}

function grantLease({ ttlMs }: CommandOf<'grantLease'>, place: CommandPlace): CommandResult {
  const { tables, revision, nowMs } = place;
  if (ttlMs < limits.leaseTtlMsMin || ttlMs > limits.ttlMsMax) {
    const bounds = `from ${limits.leaseTtlMsMin} to ${limits.ttlMsMax} ms`;
    return refused(place, 'InvalidRequest', `the TTL of a lease is ${bounds}, not ${ttlMs}`);
  }
  if (tables.leases.size >= limits.leasesMax) {
    const text = `there are ${limits.leasesMax} leases already: revoke some, then retry`;
    return refused(place, 'RateLimited', text);
  }
  tables.leases.add({ id: revision, ttlMs, expiresAtMs: nowMs + ttlMs });
  return { type: 'grantLease', revision, lease: revision, ttlMs };
}

function keepLeaseAlive(
  { lease }: CommandOf<'keepLeaseAlive'>,
  place: CommandPlace,
): CommandResult {
  const { tables, revision, nowMs } = place;
  const found = tables.leases.find(lease);
  if (found === undefined) return noLease(lease, place);
  tables.leases.renew(lease, nowMs);
  return { type: 'keepLeaseAlive', revision, ttlMs: found.ttlMs };
}

function revokeLease({ lease }: CommandOf<'revokeLease'>, place: CommandPlace): CommandResult {
  const { tables, revision } = place;
  if (!tables.leases.has(lease)) return noLease(lease, place);
  return { type: 'revokeLease', revision, deletedKeys: tables.endLease(lease, revision) };
}

function noLease(lease: number, place: CommandPlace): CommandResult {
  const text = `lease ${lease} is over, or never was, and so is what hung on it: grant a new one`;
  return refused(place, 'LeaseNotFound', text);
}

function runSessionCommand(
  command: CommandOf<'openSession' | 'keepSessionAlive' | 'closeSession'>,
  place: CommandPlace,
): CommandResult {
  if (command.type === 'openSession') return openSession(command, place);
  const { revision, nowMs } = place;
  const { sessions } = place.tables;
  const { session } = command;
  const found = sessions.find(session);
  if (found === undefined) return refused(place, 'SessionExpired', expiredMessage(session));
  if (command.type === 'closeSession') {
    sessions.remove(session);
    return { type: 'closeSession', revision };
  }
  sessions.renew(session, nowMs);
  return { type: 'keepSessionAlive', revision, ttlMs: found.ttlMs };
}

function openSession(command: CommandOf<'openSession'>, place: CommandPlace): CommandResult {
  const { ttlMs, name } = command;
  const { revision, nowMs } = place;
  const { sessions } = place.tables;
  if (ttlMs < 1 || ttlMs > limits.sessionTtlMsMax) {
    const text = `the TTL of a session is from 1 to ${limits.sessionTtlMsMax} ms, not ${ttlMs}`;
    return refused(place, 'InvalidRequest', text);
  }
  if (Buffer.byteLength(name) > limits.sessionNameBytesMax) {
    const text = `the name of a session has at most ${limits.sessionNameBytesMax} bytes`;
    return refused(place, 'InvalidRequest', text);
  }
  const open = name === '' ? undefined : sessions.idOf(name);
  if (open !== undefined) {
    sessions.renew(open, nowMs);
    return { type: 'openSession', revision, session: open, ttlMs: sessions.ttlMsOf(open) };
  }
  if (sessions.size >= limits.sessionsMax) {
    const text = `there are ${limits.sessionsMax} sessions already: retry when some are over`;
    return refused(place, 'RateLimited', text);
  }
  const expiresAtMs = nowMs + ttlMs;
  sessions.add({ id: revision, name, ttlMs, expiresAtMs, lowestUnacknowledged: 1 });
  return { type: 'openSession', revision, session: revision, ttlMs };
}

function refused(place: CommandPlace, error: RefusalName, message: string): CommandResult {
  return { type: 'refused', revision: place.revision, error, message };
}

/** The command, or why the bytes are none: no client's bytes may stop a node. */
function decodeOrReason(payload: Uint8Array): WriteCommand | string {
  try {
    return decodeWriteCommand(payload);
  } catch (error) {
    if (error instanceof MalformedMessage) return `not a write command: ${error.message}`;
    throw error;
  }
}
