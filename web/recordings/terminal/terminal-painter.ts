import { ProtocolError } from '../../../protocol/errors.ts';
import { entryOf, type PaintedState, type RecordedScreen } from '../recorded-screen.ts';
import { ScreenCanvas } from './screen-canvas.ts';
import { startTerminal, type TerminalLink } from './terminal-client.ts';
import type { WrittenText } from './terminal-desk.ts';

interface Entry {
  readonly bytes: Uint8Array;
  readonly isSize: boolean;
}

const sizeBytes = 4;

/** Draws a terminal from what was written to it. The terminal is in a worker of its own; here are its pixels. */
export class TerminalPainter implements RecordedScreen {
  readonly element: HTMLElement;
  /** Of the terminal, always: what is within a sequence is kept back by {@link export}. */
  readonly settled = true;
  readonly #canvas = new ScreenCanvas();
  readonly #link: TerminalLink;
  readonly #onResize: () => void;
  #waiting: Entry[] = [];
  /** Something was asked for since the last frame. */
  #stale = true;
  readonly #unanswered = new Set<(error: unknown) => void>();
  #failure: Error | null = null;

  /** `onResize`: the picture has another size. */
  constructor(onResize: () => void) {
    this.element = this.#canvas.element;
    this.#onResize = onResize;
    this.#link = startTerminal((message) => this.#fail(new Error(message)));
  }

  get size(): { readonly width: number; readonly height: number } {
    return this.#canvas.size;
  }

  scale(factor: number): void {
    this.#canvas.scale(factor);
  }

  feed(bytes: Uint8Array, kind: number): void {
    const isSize = kind === entryOf.size;
    if (isSize && bytes.length !== sizeBytes)
      throw new ProtocolError('malformed', 'not the size of a terminal');
    this.#waiting.push({ bytes, isSize });
  }

  async flush(): Promise<void> {
    this.#send();
    if (!this.#stale) return;
    this.#stale = false;
    const before = this.size;
    this.#canvas.draw(await this.#reached(this.#link.desk.frame()));
    const { width, height } = this.size;
    if (width !== before.width || height !== before.height) this.#onResize();
  }

  clear(): void {
    this.#waiting = [];
    this.#ask(this.#link.desk.clear());
  }

  async export(): Promise<PaintedState | null> {
    this.#send();
    return await this.#reached(this.#link.desk.remember());
  }

  async import({ state }: PaintedState): Promise<void> {
    this.#waiting = [];
    this.#stale = true;
    await this.#reached(this.#link.desk.recall(state as number));
  }

  forget({ state }: PaintedState): void {
    this.#ask(this.#link.desk.forget(state as number));
  }

  close(): void {
    this.#link.end();
    this.#fail(new Error('the player was left'));
  }

  /** All that waits in one message. */
  #send(): void {
    const entries = this.#waiting;
    if (entries.length === 0) return;
    this.#waiting = [];
    this.#ask(this.#link.desk.write(together(entries)));
  }

  /** The next frame waits for it. */
  #ask(asked: Promise<void>): void {
    this.#stale = true;
    asked.catch(() => this.#fail(new Error('the terminal could not be drawn')));
  }

  /** A worker that is gone answers nothing. */
  #reached<T>(answer: Promise<T>): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      void answer.then(resolve, reject).finally(() => this.#unanswered.delete(reject));
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const reject of this.#unanswered) reject(error);
    this.#unanswered.clear();
  }
}

function together(entries: readonly Entry[]): WrittenText {
  let length = 0;
  const ends = Uint32Array.from(entries, ({ bytes }) => (length += bytes.length));
  const all = new Uint8Array(length);
  for (const [at, { bytes }] of entries.entries()) all.set(bytes, ends[at - 1] ?? 0);
  return { ends, sizes: Uint8Array.from(entries, ({ isSize }) => (isSize ? 1 : 0)), bytes: all };
}
