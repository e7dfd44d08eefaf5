import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';

export interface PendingBounds {
  readonly lifetimeMs: number;
  readonly most: number;
  readonly mostOfCaller: number;
}

interface Entry<T> {
  readonly value: T;
  readonly caller: string;
  readonly expiresAt: number;
}

/** What stands between the two halves of a login or registration: bounded, short-lived, taken once. */
export class PendingTable<T> {
  readonly #entries = new Map<Uid, Entry<T>>();
  /** Entries of each caller. */
  readonly #counts = new Map<string, number>();
  readonly #bounds: PendingBounds;

  constructor(bounds: PendingBounds) {
    this.#bounds = bounds;
  }

  /** Throws `too-many-requests` when full of entries that are still alive, of this caller or of all. */
  add(value: T, caller: string, now: number): Uint8Array {
    this.#dropExpired(now);
    const count = this.#counts.get(caller) ?? 0;
    if (count >= this.#bounds.mostOfCaller || this.#entries.size >= this.#bounds.most)
      throw new ProtocolError('too-many-requests');
    const uid = newUid();
    this.#entries.set(uid, { value, caller, expiresAt: now + this.#bounds.lifetimeMs });
    this.#counts.set(caller, count + 1);
    return uidBytes(uid);
  }

  /** The value, which stays; null when there is none, or no more. */
  find(uid: Uint8Array, now: number): T | null {
    const entry = this.#entries.get(uidOf(uid));
    return entry && entry.expiresAt > now ? entry.value : null;
  }

  /** The value, once; null when there is none, or no more. */
  take(uid: Uint8Array, now: number): T | null {
    const key = uidOf(uid);
    const entry = this.#entries.get(key);
    if (entry) this.#drop(key, entry);
    return entry && entry.expiresAt > now ? entry.value : null;
  }

  /** Entries expire in the order in which they came. */
  #dropExpired(now: number): void {
    for (const [uid, entry] of this.#entries) {
      if (entry.expiresAt > now) return;
      this.#drop(uid, entry);
    }
  }

  #drop(uid: Uid, { caller }: Entry<T>): void {
    this.#entries.delete(uid);
    const left = (this.#counts.get(caller) ?? 0) - 1;
    if (left > 0) this.#counts.set(caller, left);
    else this.#counts.delete(caller);
  }
}
