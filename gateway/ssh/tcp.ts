import type { Socket } from 'node:net';
import { openTcp } from '../tcp.ts';
import { SessionFailure } from '../terminal/failure.ts';
import type { FailureCode } from '../terminal/failure.ts';

const causes: Readonly<Record<string, readonly [FailureCode, string]>> = {
  ENOTFOUND: ['name-not-found', 'the host name cannot be resolved'],
  EAI_AGAIN: ['name-not-found', 'the name server does not answer'],
  ENODATA: ['name-not-found', 'the host name has no address'],
  ECONNREFUSED: ['target-refused', 'nothing listens on this port of the target'],
  ETIMEDOUT: ['target-timed-out', 'the target does not answer'],
  EHOSTUNREACH: ['target-unreachable', 'there is no way to the target'],
  ENETUNREACH: ['target-unreachable', 'there is no way to the network of the target'],
};

/** Opens a TCP connection to the target. Throws a {@link SessionFailure} with the cause, or `cancelled`. */
export async function connectTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  try {
    const socket = await openTcp(host, port, signal);
    return socket.setNoDelay(true);
  } catch (error) {
    throw signal.aborted ? new SessionFailure('target', 'cancelled') : failureOf(error);
  }
}

/** A host with several addresses fails with the error of each: the last one is as good as any. */
function failureOf(error: unknown): SessionFailure {
  const one: unknown = error instanceof AggregateError ? error.errors.at(-1) : error;
  const code = one instanceof Error && 'code' in one ? String(one.code) : '';
  const [name, message] = causes[code] ?? ['target-unreachable', 'the target cannot be reached'];
  return new SessionFailure('target', name, message);
}
