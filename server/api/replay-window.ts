import { ProtocolError } from '../../protocol/errors.ts';
import { byteName } from '../byte-name.ts';

/**
 * Remembers what was seen for at least `windowMs`, in two generations, so that forgetting costs nothing. Bounded:
 * when a generation is full, more is refused, because forgetting early would let a replay through.
 */
export class ReplayWindow {
  readonly #windowMs: number;
  readonly #most: number;
  #current = new Set<string>();
  #former = new Set<string>();
  #turnsAt = 0;

  constructor(windowMs: number, most = 262_144) {
    this.#windowMs = windowMs;
    this.#most = most;
  }

  /** Throws `replayed` the second time, and `too-many-requests` when it can remember no more. */
  admit(mark: Uint8Array, now = Date.now()): void {
    this.#turn(now);
    const key = byteName(mark);
    if (this.#current.has(key) || this.#former.has(key)) throw new ProtocolError('replayed');
    if (this.#current.size >= this.#most) throw new ProtocolError('too-many-requests');
    this.#current.add(key);
  }

  /** The same, but when it can remember no more it lets pass what is new: for marks that anyone can make. */
  admitAnyone(mark: Uint8Array, now = Date.now()): void {
    try {
      this.admit(mark, now);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'too-many-requests') throw error;
    }
  }

  #turn(now: number): void {
    if (now < this.#turnsAt) return;
    this.#former = now < this.#turnsAt + this.#windowMs ? this.#current : new Set();
    this.#current = new Set();
    this.#turnsAt = now + this.#windowMs;
  }
}
