import type * as Guacamole from '@glokon/guacamole-common-js';
import { limits } from '../../../protocol/limits.ts';

const { slice, frames: mostFrames, standstillMs } = limits.picture;

type Flush = (callback: (() => void) | undefined, ...frame: readonly number[]) => void;

/** What was handed over between two flushes of the display, which draws it in one go. */
interface Handed {
  readonly cost: number;
  readonly bitmaps: readonly ImageBitmap[];
}

export interface PaceHooks {
  /** The display has room again. Not called while it draws: a flush from there would draw anew what is being drawn. */
  readonly onRoom: () => void;
  /** Nothing was drawn for so long that nothing will be. */
  readonly onStandstill: () => void;
}

/**
 * Keeps a display from having more to draw than it gets done. The display itself keeps whatever it is given, of any number of
 * frames and for as long as one has no end: here a frame that is too much is cut, and nothing more is to be given while what
 * is there is not drawn.
 */
export class PicturePace {
  readonly #display: Guacamole.Display;
  readonly #hooks: PaceHooks;
  readonly #waiting: Handed[] = [];
  #cost = 0;
  #bitmaps: ImageBitmap[] = [];
  #undrawn = 0;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(display: Guacamole.Display, hooks: PaceHooks) {
    this.#display = display;
    this.#hooks = hooks;
    // The client gives the moment and the frames too, of which the types do not know.
    const flush = display.flush.bind(display) as Flush;
    const counted: Flush = (callback, ...frame) => {
      const handed = this.#begin();
      flush(
        () => {
          this.#drawn(handed);
          callback?.();
        },
        ...frame,
      );
    };
    display.flush = counted;
  }

  /** The display has enough: wait for onRoom. */
  get full(): boolean {
    return this.#waiting.length >= mostFrames || this.#undrawn >= slice;
  }

  /** Something was handed to the display. What is too much for one frame is drawn before its end is said. */
  handed(cost: number): void {
    this.#cost += cost;
    if (this.#cost >= slice) this.#display.flush(() => {});
  }

  /** Pictures that go with what is drawn next are put here, now or later, and given up after it. */
  get bitmaps(): ImageBitmap[] {
    return this.#bitmaps;
  }

  close(): void {
    this.#over = true;
    clearTimeout(this.#watch);
  }

  #begin(): Handed {
    const handed = { cost: this.#cost, bitmaps: this.#bitmaps };
    this.#cost = 0;
    this.#bitmaps = [];
    this.#undrawn += handed.cost;
    this.#waiting.push(handed);
    this.#watchOver();
    return handed;
  }

  /** The display draws in order: one before this that was not heard of will not be. */
  #drawn(handed: Handed): void {
    const wasFull = this.full;
    for (const { cost, bitmaps } of this.#waiting.splice(0, this.#waiting.indexOf(handed) + 1)) {
      this.#undrawn -= cost;
      for (const bitmap of bitmaps) bitmap.close();
    }
    clearTimeout(this.#watch);
    this.#watch = undefined;
    if (this.#waiting.length > 0) this.#watchOver();
    if (wasFull && !this.full) queueMicrotask(() => this.#over || this.#hooks.onRoom());
  }

  /** A page that is not seen, or a device that slept, draws when it is seen again. */
  #watchOver(): void {
    if (this.#over || this.#watch !== undefined) return;
    this.#watch = setTimeout(() => {
      this.#watch = undefined;
      if (document.hidden) return this.#watchOver();
      const [first] = this.#waiting;
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          if (!this.#over && first !== undefined && this.#waiting[0] === first) this.#hooks.onStandstill();
        }),
      );
    }, standstillMs);
  }
}
