import { ProtocolError } from '../../protocol/errors.ts';
import { ReplayWindow } from './replay-window.ts';

export interface WindowBounds {
  readonly windowMs: number;
  /** Of one caller within `windowMs`. */
  readonly mostMarks: number;
  readonly mostCallers: number;
}

/** A replay window for each caller that has proved itself, so that none can fill another's. Bounded. */
export class ReplayWindows {
  readonly #bounds: WindowBounds;
  /** In the order of use. */
  readonly #windows = new Map<string, { readonly window: ReplayWindow; usedAt: number }>();

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
  }

  /** Throws `replayed` the second time, and `too-many-requests` when it can remember no more of this caller. */
  admit(caller: string, mark: Uint8Array, now = Date.now()): void {
    this.#dropIdle(now);
    const { windowMs, mostMarks, mostCallers } = this.#bounds;
    const known = this.#windows.get(caller);
    if (!known && this.#windows.size >= mostCallers) throw new ProtocolError('too-many-requests');
    const window = known?.window ?? new ReplayWindow(windowMs, mostMarks);
    this.#windows.delete(caller); // set again, so that the map's order is the order of use
    this.#windows.set(caller, { window, usedAt: now });
    window.admit(mark, now);
  }

  /** Whoever was silent for this long has nothing in the window any more. */
  #dropIdle(now: number): void {
    for (const [caller, { usedAt }] of this.#windows) {
      if (now - usedAt < 2 * this.#bounds.windowMs) return;
      this.#windows.delete(caller);
    }
  }
}
