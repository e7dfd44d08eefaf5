import { limits } from '../../protocol/limits.ts';
import type { Uid } from '../../protocol/uid.ts';
import { Refusal } from './refusal.ts';

/** The UIDs of commands that could still come a second time. Only verified commands get in, so nobody else fills it. */
export class ReplayWindow {
  readonly #forgetAt = new Map<Uid, number>();
  readonly #capacity: number;

  constructor(capacity: number = limits.replayWindowEntries) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#forgetAt.size;
  }

  /**
   * Takes these UIDs in until they are past their time, all or none. Throws `replayed` when one is there already,
   * and `busy` when there is no room: forgetting an older one would let it come again.
   */
  admit(uids: readonly Uid[], forgetAtMs: number, nowMs: number): void {
    if (uids.some((uid) => (this.#forgetAt.get(uid) ?? -1) >= nowMs)) throw new Refusal('replayed');
    if (this.#forgetAt.size + uids.length > this.#capacity) this.#forget(nowMs);
    if (this.#forgetAt.size + uids.length > this.#capacity) throw new Refusal('busy', 'too many commands');
    for (const uid of uids) this.#forgetAt.set(uid, forgetAtMs);
  }

  #forget(nowMs: number): void {
    for (const [uid, forgetAt] of this.#forgetAt) if (forgetAt < nowMs) this.#forgetAt.delete(uid);
  }
}
