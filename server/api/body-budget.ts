// How much memory callers may hold before anybody knows who they are.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { networkOf } from './network.ts';
import { TooManyRequests } from './refusal.ts';

/** Bytes of bodies that are being received or worked on. */
export interface BodyBounds {
  readonly ofAll: number;
  readonly ofNetwork: number;
}

/** Small bodies have room of their own: who sends large ones keeps nobody from signing in. */
export interface BodyRoom {
  readonly small: BodyBounds;
  readonly large: BodyBounds;
}

const mib = 1024 * 1024;
/** An office behind one address has sixteen of the largest requests at once, and five hundred small ones. */
export const bodyRoom: BodyRoom = {
  small: { ofAll: 128 * mib, ofNetwork: 32 * mib },
  large: { ofAll: 256 * mib, ofNetwork: 64 * mib },
};
const retryAfterMs = 1_000;

/** Bytes that are held, of all and of each network. */
class BodyBudget {
  readonly #bounds: BodyBounds;
  readonly #held = new Map<string, number>();
  #sum = 0;

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds;
  }

  /**
   * Holds `bytes` until the returned function is called, which counts once. Throws TooManyRequests when that network
   * holds too much, `unavailable` when all together do.
   */
  hold(network: string, bytes: number): () => void {
    const held = this.#held.get(network) ?? 0;
    if (held + bytes > this.#bounds.ofNetwork) throw new TooManyRequests(retryAfterMs);
    if (this.#sum + bytes > this.#bounds.ofAll) throw new ProtocolError('unavailable', 'the server is busy');
    this.#add(network, bytes);
    let isHeld = true;
    return () => {
      if (isHeld) this.#add(network, -bytes);
      isHeld = false;
    };
  }

  #add(network: string, bytes: number): void {
    this.#sum += bytes;
    const held = (this.#held.get(network) ?? 0) + bytes;
    if (held > 0) this.#held.set(network, held);
    else this.#held.delete(network);
  }
}

export type BodyHook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** Counts a request's body, as long as its sender says it is, from its headers until its connection has its answer. */
export function bodyHook({ small, large }: BodyRoom): BodyHook {
  const budgets = { small: new BodyBudget(small), large: new BodyBudget(large) };
  return (request, reply, done) => {
    if (request.method === 'POST') reply.raw.once('close', hold(request));
    done();
  };

  function hold({ ip, headers }: FastifyRequest): () => void {
    const said = Number(headers['content-length'] ?? limits.apiBody);
    const bytes = Math.min(Number.isSafeInteger(said) ? said : limits.apiBody, limits.apiBody);
    const budget = bytes <= limits.openBody ? budgets.small : budgets.large;
    return budget.hold(networkOf(ip), bytes);
  }
}
