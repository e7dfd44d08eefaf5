import { concat } from '../../protocol/bytes.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import type { Instruction } from '../../protocol/guacamole/instruction.ts';

/** A setting of a terminal that its owner changes while the session runs, as the browser sent it. */
export interface TerminalChange {
  readonly name: string;
  /** Its value, in base64. */
  readonly blobs: readonly string[];
}

/**
 * Holds back what guacd's terminal is given to draw. Settles when it has taken what it was given before, with what lets the
 * output go on.
 */
export type HoldOutput = () => Promise<() => void>;

export interface TerminalChangesOptions {
  /** Sends whole instructions to guacd. */
  readonly send: (instructions: Uint8Array) => void;
  readonly holdOutput?: HoldOutput;
  /** Settles when guacd has drawn what it was given, no later than that many milliseconds. */
  readonly quiet: (atMostMs: number) => Promise<void>;
  /** The longest for guacd to become quiet, and to answer, in milliseconds. */
  readonly changeMs: number;
}

/** guacd has room for 64 streams of a client: this is none of a page's, which opens them from 0 on, nor of the answers'. */
const ownStream = 55;

/**
 * Hands changes of a terminal's settings on to guacd, one at a time and only while it draws nothing: guacd puts another font in
 * place of the one that its terminal is drawing with, and other lines in place of those it is drawing, without waiting for the
 * drawing (1.3.0 to 1.6.0), and may crash of it (decision 40). Of several changes of one setting the newest is made.
 */
export class TerminalChanges {
  readonly #options: TerminalChangesOptions;
  readonly #waiting = new Map<string, TerminalChange>();
  #awaited: string | null = null;
  #answered: () => void = () => {};
  #atWork = false;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  constructor(options: TerminalChangesOptions) {
    this.#options = options;
  }

  make(change: TerminalChange): void {
    if (this.#isOver) return;
    this.#waiting.set(change.name, change);
    void this.#work();
  }

  /** What guacd says. */
  hear(instructions: readonly Instruction[]): void {
    for (const { opcode, args } of instructions) {
      // guacd tells all who look on, after it has made the change.
      if (opcode === 'argv' && args[2] === this.#awaited) this.#answered();
    }
  }

  close(): void {
    this.#isOver = true;
    this.#waiting.clear();
    this.#over.resolve();
  }

  async #work(): Promise<void> {
    if (this.#atWork) return;
    this.#atWork = true;
    while (this.#waiting.size > 0) await this.#makeNext();
    this.#atWork = false;
  }

  async #makeNext(): Promise<void> {
    const latest = performance.now() + this.#options.changeMs;
    const held = this.#options.holdOutput?.();
    try {
      if (held) await this.#atMost(this.#options.changeMs, held);
      await this.#options.quiet(latest - performance.now());
      for (const change of this.#waiting.values()) {
        this.#waiting.delete(change.name);
        return await this.#send(change);
      }
    } finally {
      void held?.then((goOn) => goOn());
    }
  }

  async #send({ name, blobs }: TerminalChange): Promise<void> {
    const answer = new Promise<void>((resolve) => (this.#answered = resolve));
    this.#awaited = name;
    this.#options.send(
      concat(
        encodeInstructionBytes('argv', ownStream, 'text/plain', name),
        ...blobs.map((blob) => encodeInstructionBytes('blob', ownStream, blob)),
        encodeInstructionBytes('end', ownStream),
      ),
    );
    await this.#atMost(this.#options.changeMs, answer);
    this.#awaited = null;
  }

  /** Settles with the promise, but no later than that, and at the end. */
  async #atMost(milliseconds: number, promise: Promise<unknown>): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, milliseconds);
    await Promise.race([promise, late.promise, this.#over.promise]);
    clearTimeout(timer);
  }
}
