import type { Instruction } from '../../protocol/guacamole/instruction.ts';

/** They draw nothing. */
const silent: ReadonlySet<string> = new Set(['ack', 'clipboard', 'mouse', 'nop', 'sync']);

/** Sees from what guacd says whether its terminal has drawn what it was given: it tells nobody. */
export class DrawingWatch {
  readonly #quietMs: number;
  #drawnAt = -Infinity;
  #deaf = false;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  /** @param quietMs Of nothing drawn, after which guacd has drawn all that it was given, in milliseconds. */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** Whether what guacd says waits unread: it may be drawing then, and stand in the midst of it. */
  set deaf(deaf: boolean) {
    this.#deaf = deaf;
    this.#drawnAt = performance.now();
  }

  /** What guacd says. */
  hear(instructions: readonly Instruction[]): void {
    if (instructions.some(({ opcode }) => !silent.has(opcode))) this.#drawnAt = performance.now();
  }

  close(): void {
    this.#isOver = true;
    this.#over.resolve();
  }

  /**
   * Settles when guacd has drawn what it has taken so far: when it has drawn nothing for that long, counted from now. Not
   * later than `atMostMs`, nor than `close`.
   */
  async quiet(atMostMs: number): Promise<void> {
    const began = performance.now();
    while (!this.#isOver) {
      const now = performance.now();
      const since = this.#deaf ? now : Math.max(this.#drawnAt, began);
      const left = Math.min(since + this.#quietMs, began + atMostMs) - now;
      if (left <= 0) return;
      await this.#rest(left);
    }
  }

  async #rest(milliseconds: number): Promise<void> {
    const rested = Promise.withResolvers<void>();
    const timer = setTimeout(rested.resolve, milliseconds);
    await Promise.race([rested.promise, this.#over.promise]);
    clearTimeout(timer);
  }
}
