// Where a session's guacd comes from.
import { connect, type Socket } from 'node:net';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';

export interface GuacdAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * One guacd for all sessions, or the Unix socket of a pool that starts one for each. Before 1.5.4 a shared one can give
 * a session's connection to another session (decision 16).
 */
export type GuacdPlace = (GuacdAddress | { readonly pool: string }) & GuacdTraits;

/** What is known of it beforehand. */
export interface GuacdTraits {
  /** Not true where FreeRDP misses its plug-ins: then RDP has neither drive nor sound. Usually it has them. */
  readonly plugins?: boolean;
  /** Where its FreeRDP 2 has its settings, which are this gateway's to write; not where guacd is somebody else's. */
  readonly freerdp?: string;
  /** Under which account it runs; without it, the gateway's own. */
  readonly account?: { readonly uid: number; readonly gid: number };
}

/** A guacd that is there until it is given back. */
export interface LeasedGuacd extends GuacdAddress {
  release(): void;
}

/** A pool's whole answer: a port of loopback. */
const answer = /^([1-9]\d{0,4})\n$/;

/**
 * The guacd for one session and whoever joins it. Throws `guacd-unreachable` when there is none to be had,
 * `guacd-timed-out` after `withinMs`, or what the signal's owner decides.
 */
export async function leaseGuacd(
  place: GuacdPlace,
  withinMs: number,
  signal: AbortSignal,
): Promise<LeasedGuacd> {
  if (!('pool' in place)) return { ...place, release: () => undefined };
  const late = () => new SessionFailure('guacd', 'guacd-timed-out', 'no guacd was started in time');
  return withDeadline(withinMs, signal, late, (deadline) => askPool(place.pool, deadline));
}

/** The connection to the pool is the lease: the pool ends the guacd when it is closed, by whichever end. */
async function askPool(path: string, signal: AbortSignal): Promise<LeasedGuacd> {
  signal.throwIfAborted();
  const socket = connect({ path });
  const giveUp = () => socket.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    const port = await portFrom(socket);
    signal.throwIfAborted();
    socket
      .on('error', () => undefined)
      .resume()
      .unref();
    return { host: '127.0.0.1', port, release: () => socket.destroy() };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

async function portFrom(socket: Socket): Promise<number> {
  const said = await new Promise<string>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    socket.on('error', () => undefined).once('close', () => resolve(''));
  });
  const port = Number(answer.exec(said)?.[1] ?? 0);
  if (port > 0 && port <= 65_535) return port;
  throw new SessionFailure('guacd', 'guacd-unreachable', 'the pool has no guacd to give');
}
