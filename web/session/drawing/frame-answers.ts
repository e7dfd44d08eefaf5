/** Frames that guacd may send before one that it sent is drawn: one is decoded while the one before it waits for the browser. */
const mostAhead = 3;

/**
 * When guacd hears that a frame came. Its VNC and RDP wait before each frame for as long as the answer to one before took at
 * worst, so an answer that waits for the browser to draw costs frames. It is given when the frame was taken in, and only when
 * it was drawn to the frames that are too far ahead of what the page draws: a page that is slow still slows guacd down.
 */
export class FrameAnswers {
  readonly #answer: (timestamp: number) => void;
  readonly #undrawn: number[] = []; // the intake takes no more than limits.picture.frames in
  #answered = 0; // of them, the first so many

  constructor(answer: (timestamp: number) => void) {
    this.#answer = answer;
  }

  /** The display has the frame that ends so. */
  taken(timestamp: number): void {
    if (!Number.isSafeInteger(timestamp) || timestamp === this.#undrawn.at(-1)) return; // the display counts it as one
    this.#undrawn.push(timestamp);
    this.#answerNear();
  }

  /** It has drawn it. One that was not taken, as its end was no number, is answered now. */
  drawn(timestamp: number): void {
    const at = this.#undrawn.indexOf(timestamp);
    if (at < 0) return this.#answer(timestamp);
    this.#answerTo(at + 1);
    this.#undrawn.splice(0, at + 1);
    this.#answered -= at + 1;
    this.#answerNear();
  }

  #answerNear(): void {
    this.#answerTo(Math.min(mostAhead, this.#undrawn.length));
  }

  #answerTo(count: number): void {
    for (; this.#answered < count; this.#answered++) this.#answer(this.#undrawn[this.#answered] ?? 0);
  }
}
