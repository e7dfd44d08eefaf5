// Names and passwords for the TURN server, each for one peer connection and a short time. protocol.md §13.4.
import { createHmac, randomBytes } from 'node:crypto';

export interface RelayConfig {
  /** stun:, turn: and turns: addresses. */
  readonly urls: readonly string[];
  /** Shared with the TURN server; null: the addresses are of STUN servers alone. */
  readonly secret: string | null;
  /** How long a name may be used to ask for a relay; what is relayed by then goes on. */
  readonly lifetimeSeconds: number;
}

/** As IceServers of link.proto. */
export interface IssuedServers {
  readonly urls: string[];
  readonly username: string;
  readonly credential: string;
}

/** Throws nothing: without a relay the answer is empty. */
export class RelayCredentials {
  readonly #config: RelayConfig | null;
  readonly #now: () => number;

  constructor(config: RelayConfig | null, now: () => number = Date.now) {
    this.#config = config;
    this.#now = now;
  }

  /**
   * The addresses with credentials of their own. The name is the second at which it ends and 16 random bytes: neither
   * the relay nor who reads its log learns whose it is, or which two belong to one session.
   */
  issue(): IssuedServers {
    if (this.#config === null) return { urls: [], username: '', credential: '' };
    const { urls, secret, lifetimeSeconds } = this.#config;
    if (secret === null) return { urls: [...urls], username: '', credential: '' };
    const endsAt = Math.floor(this.#now() / 1000) + lifetimeSeconds;
    return {
      urls: [...urls],
      ...credentialsOf(secret, `${endsAt}:${randomBytes(16).toString('base64url')}`),
    };
  }
}

/** The scheme of coturn's `use-auth-secret`: the password is the HMAC-SHA-1 of the name. */
function credentialsOf(secret: string, username: string) {
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}
