import type { Typing } from './typing.ts';

/** What somebody sees of a session: it has the keyboard, it is beside the one that has, or it is not seen at all. */
export type Attention = 'keyboard' | 'beside' | 'unseen';

export interface PaceOptions {
  /** Takes what came, in order, to be drawn as one frame. */
  readonly draw: (parts: readonly Uint8Array[]) => void;
  readonly typing: Typing;
  /** Runs it once after so many milliseconds; gives how it is called off. */
  readonly schedule: (run: () => void, ms: number) => () => void;
}

/** What waits is drawn so often: beside somebody who types, still as it happens; unseen, soon enough for titles and ends. */
const waitsMs = { beside: 100, unseen: 500 } as const;
/** More than this does not wait, so the machine is never held up: half of what may be on its way to begin with. */
const mostWaiting = 64 * 1024;

/**
 * When what comes for one session is drawn. The page draws all its sessions in one thread, so the one with the keyboard is
 * drawn at once, and others let it go first. Nothing is left out and nothing overtakes.
 */
export class DrawingPace {
  readonly #options: PaceOptions;
  #attention: Attention = 'keyboard';
  #patient = true;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #callOff: (() => void) | null = null;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  take(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    const wait = this.#waitMs();
    if (wait === 0 || this.#waitingBytes >= mostWaiting) return this.#drawNow();
    this.#callOff ??= this.#options.schedule(() => this.#drawNow(), wait);
  }

  /** What is seen from now on is right from now on. */
  set attention(attention: Attention) {
    this.#attention = attention;
    if (attention !== 'unseen') this.#drawNow();
  }

  get attention(): Attention {
    return this.#attention;
  }

  /** It makes sounds, which come the same way and cannot wait. */
  hurry(): void {
    this.#patient = false;
  }

  #waitMs(): number {
    if (!this.#patient || this.#attention === 'keyboard') return 0;
    if (this.#attention === 'unseen') return waitsMs.unseen;
    return this.#options.typing.isElsewhere(this) ? waitsMs.beside : 0;
  }

  #drawNow(): void {
    this.#callOff?.();
    this.#callOff = null;
    const parts = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (parts.length > 0) this.#options.draw(parts);
  }
}
