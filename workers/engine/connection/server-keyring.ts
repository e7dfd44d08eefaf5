import { equal, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  verifyServerKeys,
  type ServerPin,
  type ServerPublicKey,
} from '../../../protocol/transmission/server-keys.ts';
import type { VaultStorage } from '../storage.ts';

/**
 * The server's transmission key, believed when the pinned identity signed it. The first contact of a device pins
 * what it finds; from then on another identity, or older keys, are `untrusted`.
 */
export class ServerKeyring {
  readonly #fetchKeys: () => Promise<Bytes>;
  readonly #storage: VaultStorage;
  readonly #onUntrusted: () => void;
  #pin: ServerPin | null = null;
  #current: Promise<ServerPublicKey> | null = null;

  constructor(fetchKeys: () => Promise<Bytes>, storage: VaultStorage, onUntrusted: () => void) {
    this.#fetchKeys = fetchKeys;
    this.#storage = storage;
    this.#onUntrusted = onUntrusted;
  }

  /** Throws `untrusted` or `offline`. */
  current(): Promise<ServerPublicKey> {
    this.#current ??= this.#load();
    return this.#current;
  }

  /** The server's key after it said that it does not know the one we used. */
  refresh(): Promise<ServerPublicKey> {
    this.#current = null;
    return this.current();
  }

  /** The pin, fetched when this device has none yet. */
  async pin(): Promise<ServerPin> {
    await this.current();
    if (this.#pin === null) throw new ProtocolError('untrusted', 'the server has no identity');
    return this.#pin;
  }

  /** Takes over a pin that was sealed in the vault: it counts more than the one beside it. */
  require(pin: ServerPin): void {
    const same = this.#pin !== null && equal(this.#pin.identity, pin.identity);
    if (same && this.#pin !== null && this.#pin.keySetVersion >= pin.keySetVersion) return;
    this.#pin = pin;
    this.#current = null;
  }

  async #load(): Promise<ServerPublicKey> {
    try {
      this.#pin ??= await this.#storage.readPin();
      const { key, pin } = verifyServerKeys(await this.#fetchKeys(), this.#pin);
      if (this.#pin === null || pin.keySetVersion > this.#pin.keySetVersion)
        await this.#storage.writePin(pin);
      this.#pin = pin;
      return key;
    } catch (error) {
      this.#current = null; // the next call tries again
      throw this.#judge(error);
    }
  }

  #judge(error: unknown): unknown {
    const code = error instanceof ProtocolError ? error.code : null;
    if (code === null || code === 'offline' || code === 'unavailable' || code === 'too-many-requests')
      return error;
    this.#onUntrusted();
    return new ProtocolError('untrusted', 'the server is not the one that this device knows');
  }
}
