import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';

/** What stands between the two halves of a login or registration: bounded, short-lived, taken once. */
export class PendingTable<T> {
  readonly #entries = new Map<Uid, { readonly value: T; readonly expiresAt: number }>();
  readonly #lifetimeMs: number;
  readonly #most: number;

  constructor(lifetimeMs: number, most: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#most = most;
  }

  /** Throws `too-many-requests` when full of entries that are still alive. */
  add(value: T, now: number): Uint8Array {
    this.#dropExpired(now);
    if (this.#entries.size >= this.#most) throw new ProtocolError('too-many-requests');
    const uid = newUid();
    this.#entries.set(uid, { value, expiresAt: now + this.#lifetimeMs });
    return uidBytes(uid);
  }

  /** The value, once; null when there is none, or no more. */
  take(uid: Uint8Array, now: number): T | null {
    const key = uidOf(uid);
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    return entry && entry.expiresAt > now ? entry.value : null;
  }

  /** Entries expire in the order in which they came. */
  #dropExpired(now: number): void {
    for (const [uid, { expiresAt }] of this.#entries) {
      if (expiresAt > now) return;
      this.#entries.delete(uid);
    }
  }
}
