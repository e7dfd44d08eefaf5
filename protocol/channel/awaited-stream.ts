import type { Stream } from './multiplexer.ts';

/** What an {@link AwaitedStream} tells of beside what is waited for. */
export interface StreamNews {
  /** Bytes came, or room for more of them: something moves. */
  readonly onMoved?: () => void;
  /** The stream is gone. Whoever waits is thrown what this returns. */
  readonly onReset: (code: string) => Error;
}

/**
 * A stream as something to wait for, by one reader and one writer. Make it in the turn in which the stream was handed
 * out. Holds no more than was granted: the reader gives back with {@link consumed} what it has used up.
 */
export class AwaitedStream {
  readonly #stream: Stream;
  readonly #onMoved: () => void;
  readonly #parts: Uint8Array[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #read: () => void = () => {};
  #drained: () => void = () => {};

  constructor(stream: Stream, { onMoved = () => {}, onReset }: StreamNews) {
    this.#stream = stream;
    this.#onMoved = onMoved;
    stream.onData = (bytes) => {
      onMoved();
      this.#parts.push(bytes);
      this.#read();
    };
    stream.onEnd = () => {
      this.#ended = true;
      this.#read();
    };
    stream.onDrain = () => this.#drained();
    stream.onReset = (code) => this.fail(onReset(code));
  }

  /** The peer has said all that it will say. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The next bytes that came; null after the last. Throws what the stream failed with. */
  async read(): Promise<Uint8Array | null> {
    for (;;) {
      this.#requireWhole();
      const part = this.#parts.shift();
      if (part !== undefined) return part;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => (this.#read = resolve));
    }
  }

  consumed(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  /** Settles when there is room for more. Throws what the stream failed with. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#requireWhole();
    if (!this.#stream.write(bytes)) await new Promise<void>((resolve) => (this.#drained = resolve));
    this.#requireWhole();
    this.#onMoved();
  }

  /** Nothing more is said. The other direction goes on. */
  end(): void {
    this.#stream.end();
  }

  /** Ends both directions for the peer. */
  reset(code: string): void {
    this.#stream.reset(code);
  }

  /** Whoever waits, or will, is thrown `error`: the latest that was given. What came and was not read is dropped. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#parts.length = 0;
    this.#read();
    this.#drained();
  }

  #requireWhole(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
