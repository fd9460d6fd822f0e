import { Agent, request as httpRequest } from 'node:http';
import type { Answer, Command } from '@d-engine/simulator';
import { execute } from '@d-engine/simulator';
import type { ClientApi } from 'd-engine/client';
import { DEngineError } from 'd-engine/client';
import { Failed } from './recorder.ts';

/** Performs a command on a cluster; rejects with {@link Failed}. */
export type Road = (key: string, command: Command) => Promise<Answer>;

/** Longer than the server's own deadline. */
const patienceMs = 8_000;

/** The client that users have; it finds the leader by itself. */
export function roadOfClient(client: ClientApi): Road {
  return async (key, command) => {
    try {
      return await execute(client, key, command);
    } catch (error) {
      if (!(error instanceof DEngineError)) throw error;
      throw new Failed(error.message, error.mayHaveBeenApplied);
    }
  };
}

interface Body {
  readonly value?: string | null;
  readonly mod_revision?: number | null;
  readonly revision: number;
  readonly deleted?: boolean;
  readonly succeeded?: boolean;
  readonly current?: string | null;
  readonly error?: { readonly message: string; readonly may_have_been_applied: boolean };
}

/** JSON over HTTP to one node, whatever its role. */
export function roadOverHttp(address: string): Road {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return async (key, command) => {
    const body = await call(agent, address, key, command);
    const { revision } = body;
    switch (command.type) {
      case 'read': {
        const value = body.value ?? null;
        if (value === null) return { type: 'read', value, revision };
        return { type: 'read', value, modRevision: body.mod_revision ?? 0, revision };
      }
      case 'put':
        return { type: 'put', revision };
      case 'delete':
        return { type: 'delete', deleted: body.deleted === true, revision };
      case 'compareAndSwap': {
        if (body.succeeded === true) return { type: 'compareAndSwap', succeeded: true, revision };
        const current = body.current ?? null;
        return { type: 'compareAndSwap', succeeded: false, current, revision };
      }
    }
  };
}

function call(agent: Agent, address: string, key: string, command: Command): Promise<Body> {
  const { method, path, body } = requestOf(key, command);
  return new Promise((resolve, reject) => {
    // A connection that was never made carried nothing; after anything else nobody knows.
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(new Failed(error.message, error.syscall !== 'connect'));
    };
    const signal = AbortSignal.timeout(patienceMs);
    const request = httpRequest(
      `http://${address}${path}`,
      { method, agent, signal },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', fail);
        response.once('end', () => {
          const answer = JSON.parse(Buffer.concat(chunks).toString()) as Body;
          const { error } = answer;
          if (error === undefined) resolve(answer);
          else reject(new Failed(error.message, error.may_have_been_applied));
        });
      },
    );
    request.once('error', fail);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function requestOf(
  key: string,
  command: Command,
): { readonly method: string; readonly path: string; readonly body?: object } {
  switch (command.type) {
    case 'read': {
      const query = `key=${encodeURIComponent(key)}&consistency=${command.consistency}`;
      return { method: 'GET', path: `/get?${query}` };
    }
    case 'put':
      return { method: 'POST', path: '/put', body: { key, value: command.value } };
    case 'delete':
      return { method: 'POST', path: '/delete', body: { key } };
    case 'compareAndSwap': {
      const { expected, value } = command;
      return { method: 'POST', path: '/cas', body: { key, expected, value } };
    }
  }
}
