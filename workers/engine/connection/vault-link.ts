import type { VaultState } from '../../api.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import type { RouterToVaultFrame } from '../../../protocol/messages/gen/link_pb.js';
import { pause } from '../clock.ts';
import type { Environment } from '../environment.ts';
import { LinkConnection } from './link-connection.ts';
import { isNotSignedIn, type VaultSession } from './vault-session.ts';

const firstDelayMs = 300;
const longestDelayMs = 15_000;
/** How long a command waits for a link that is being opened. */
const connectionWaitMs = 10_000;

export interface LinkParts {
  readonly environment: Environment;
  readonly session: VaultSession;
  readonly signal: AbortSignal;
  readonly onFrame: (frame: RouterToVaultFrame['body']) => void;
  readonly onState: (state: VaultState['link']) => void;
  readonly onLost: () => void;
}

/** The link to the router, opened again whenever it breaks, until the vault locks. */
export class VaultLink {
  readonly #parts: LinkParts;
  #connection: LinkConnection | null = null;
  readonly #waiting = new Set<(connection: LinkConnection) => void>();
  #failures = 0;
  #wake: () => void = () => undefined;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** Runs until the signal. */
  async run(): Promise<void> {
    const { signal, onState } = this.#parts;
    while (!signal.aborted) {
      onState('connecting');
      const reason = await this.#attempt();
      if (signal.aborted) break;
      if (reason === 'not-signed-in') return this.#parts.session.end();
      onState('connecting');
      await this.#pause(this.#nextDelay());
      this.#failures++;
    }
  }

  /** The open connection, or the next one if it comes soon. Throws `offline`. */
  async connection(): Promise<LinkConnection> {
    if (this.#connection) return this.#connection;
    const { promise, resolve, reject } = Promise.withResolvers<LinkConnection>();
    const cancel = this.#parts.environment.clock.schedule(connectionWaitMs, () =>
      reject(new ProtocolError('offline', 'there is no link to the router')),
    );
    this.#waiting.add(resolve);
    this.#wake(); // somebody is in need of it now
    return await promise.finally(() => {
      cancel();
      this.#waiting.delete(resolve);
    });
  }

  /** The connection if there is one right now. */
  get open(): LinkConnection | null {
    return this.#connection;
  }

  /** Opens the link anew, with the session as it is now. */
  restart(): void {
    this.#connection?.close('unavailable');
  }

  async #attempt(): Promise<ErrorCode> {
    const { session, environment, signal, onFrame, onState, onLost } = this.#parts;
    try {
      const serverKey =
        this.#failures > 0 ? await session.keyring.refresh() : await session.keyring.current();
      const connection = await LinkConnection.open(environment, serverKey, session.current, onFrame, signal);
      this.#failures = 0;
      this.#connection = connection;
      onState('connected');
      for (const resolve of this.#waiting) resolve(connection);
      const reason = await connection.closed;
      this.#connection = null;
      onLost();
      // The session may have been replaced since: then the old one's end is no news.
      return reason === 'not-signed-in' && connection.session !== session.current ? 'unavailable' : reason;
    } catch (error) {
      if (isNotSignedIn(error)) return 'not-signed-in';
      return error instanceof ProtocolError ? error.code : 'internal';
    }
  }

  /** Cut short for whoever waits for the link, but for the pause before a first new try. */
  async #pause(delayMs: number): Promise<void> {
    const { environment, signal } = this.#parts;
    const { clock } = environment;
    await pause(clock, Math.min(delayMs, firstDelayMs), signal);
    if (delayMs <= firstDelayMs || this.#waiting.size > 0) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await pause(clock, delayMs - firstDelayMs, AbortSignal.any([signal, woken.signal]));
    this.#wake = () => undefined;
  }

  /** Exponential with full jitter, so that a restarted router is not met by every vault at once. */
  #nextDelay(): number {
    const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(this.#failures, 10));
    const share = ((randomBytes(1)[0] ?? 0) + 1) / 256;
    return ceiling * share;
  }
}
