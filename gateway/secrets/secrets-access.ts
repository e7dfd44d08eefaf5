import { setTimeout as sleep } from 'node:timers/promises';
import type { Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { SecretsManagerClient, type SecretsManagerFetch } from '../../protocol/secrets-manager/client.ts';
import type { ServerDoor } from '../router/server-door.ts';

export interface ClientIdentity {
  readonly clientId: Bytes;
  readonly privateKey: Bytes;
  /** null until the client is bound. */
  readonly appKey: Bytes | null;
}

/** Calls `use` with a client for the server's key of now, and once more when the server has gone over to another. */
export async function withSecretsClient<T>(
  door: ServerDoor,
  identity: ClientIdentity,
  signal: AbortSignal,
  use: (client: SecretsManagerClient) => Promise<T>,
): Promise<T> {
  const clientOf = (serverKey: Awaited<ReturnType<ServerDoor['key']>>) =>
    new SecretsManagerClient({
      ...identity,
      serverKey,
      url: door.server,
      fetch: fetchThrough(door, signal),
      wait: (ms) => sleep(ms, undefined, { signal }),
    });
  try {
    return await use(clientOf(await door.key(signal)));
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== 'unknown-server-key') throw error;
    return await use(clientOf(await door.fetchKey(signal)));
  }
}

function fetchThrough(door: ServerDoor, signal: AbortSignal): SecretsManagerFetch {
  return async (url, { method, headers, body }) => {
    const { pathname } = new URL(url);
    const answer = await door.request({ method, path: pathname, headers, body, signal });
    return { status: answer.status, arrayBuffer: () => Promise.resolve(answer.body.buffer) };
  };
}
