import type { Writable } from 'node:stream';

/**
 * Given to guacd and not known to be read. guacd takes at most 8 KiB of it at a time, but first drains its socket
 * and answers what it finds there: with more than that under way, each turn would add to a backlog (measured:
 * with 16 KiB, `yes` was drawn for 9 s after Ctrl-C; with 4 KiB for 0.2 s, at 4/5 of the speed).
 */
const piece = 4 * 1024;
/** No window allows this much; a target that sends it ignores the window. */
const maxQueued = 4 * 1024 * 1024;
/** How long guacd may read nothing of a shell's last words before they are given up. */
const patienceMs = 5_000;

export interface OutputFlowOptions {
  readonly to: Writable;
  /** Asks guacd for a sign that it has come so far in its input. */
  readonly ask: (onAnswer: () => void) => void;
  /** guacd has taken these bytes. */
  readonly onTaken: (bytes: number) => void;
  readonly onOverrun: () => void;
}

/**
 * Feeds the target's output to guacd no faster than guacd draws it. libssh2 takes 2 MiB of data off the socket
 * unasked, so the only way to know is to ask after each piece: the answer comes when guacd's terminal reads on.
 */
export class OutputFlow {
  readonly #options: OutputFlowOptions;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #unread = 0;
  #unasked = 0; // sent since the last question
  #holds = 0;
  #last: LastWords | null = null;

  constructor(options: OutputFlowOptions) {
    this.#options = options;
  }

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued > maxQueued) this.#options.onOverrun();
    else this.#send();
  }

  /** Settles when guacd has taken all that it was given; it is given no more until it may go on. */
  async hold(): Promise<() => void> {
    this.#holds++;
    await new Promise<void>((resolve) => this.#askAfter(resolve));
    let held = true;
    return () => {
      if (held) this.#holds--;
      held = false;
      this.#send();
    };
  }

  /** Settles when guacd has taken all that came, or none of it for five seconds. Asked once, at the end. */
  async taken(): Promise<void> {
    const last = (this.#last = lastWords());
    this.#send();
    await last.said;
  }

  #send(): void {
    while (this.#holds === 0 && this.#unread < piece && this.#options.to.writable) {
      const part = this.#take();
      if (!part) break;
      this.#options.to.write(part);
      this.#unread += part.length;
      this.#unasked += part.length;
      if (this.#unasked >= piece) this.#askAfter();
    }
    if (!this.#options.to.writable) this.#last?.end();
    else if (this.#queued === 0) this.#askLast();
  }

  #askLast(): void {
    if (!this.#last || this.#last.asked) return;
    this.#last.asked = true;
    this.#askAfter(this.#last.end);
  }

  #take(): Uint8Array | null {
    const first = this.#queue[0];
    if (!first) return null;
    const room = piece - this.#unasked;
    const part = first.subarray(0, room);
    if (part.length < first.length) this.#queue[0] = first.subarray(room);
    else this.#queue.shift();
    this.#queued -= part.length;
    return part;
  }

  #askAfter(onAnswer: () => void = () => {}): void {
    const bytes = this.#unasked;
    this.#unasked = 0;
    this.#options.ask(() => {
      this.#unread -= bytes;
      this.#last?.goesOn();
      this.#options.onTaken(bytes);
      onAnswer();
      this.#send();
    });
  }
}

interface LastWords {
  asked: boolean;
  readonly said: Promise<void>;
  readonly goesOn: () => void;
  readonly end: () => void;
}

function lastWords(): LastWords {
  const { promise: said, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  const end = () => {
    clearTimeout(timer);
    resolve();
  };
  return { asked: false, said, goesOn: () => void timer.refresh(), end };
}

/** The output of a shell that is not open yet. */
export class ShellOutput {
  #flow: OutputFlow | null = null;

  begins(flow: OutputFlow): void {
    this.#flow = flow;
  }

  /** As {@link OutputFlow.hold}; before the first of it there is nothing to hold. */
  readonly hold = async (): Promise<() => void> => (await this.#flow?.hold()) ?? (() => {});
}
