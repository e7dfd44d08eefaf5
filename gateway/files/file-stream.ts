import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import { encodeRemoteFileAnswer, withdrawnCode } from '../../protocol/channel/remote-files.ts';
import type { RemoteFileAnswerSchema } from '../../protocol/messages/gen/remote-file_pb.js';

/** The page, or the way to it, is gone: nobody is to be told anything. */
export class StreamGone extends Error {}

/** The stream of one request, as something to wait for. Made in the turn in which the stream came. */
export class FileStream {
  readonly #stream: Stream;
  readonly #onMoved: () => void;
  readonly #chunks: Uint8Array[] = []; // as many bytes as were granted, at most
  #ended = false;
  #wake: () => void = () => {};
  #gone: string | null = null;
  readonly #leaving = new Set<() => void>(); // not one promise for all: each race would stay with it to the end
  #broken: { readonly error: unknown } | null = null;

  /** `onMoved` hears of everything that goes either way. */
  constructor(stream: Stream, onMoved: () => void = () => {}) {
    this.#stream = stream;
    this.#onMoved = onMoved;
    stream.onData = (bytes) => {
      onMoved();
      this.#chunks.push(bytes);
      this.#wake();
    };
    stream.onEnd = () => {
      this.#ended = true;
      this.#wake();
    };
    stream.onDrain = () => this.#wake();
    stream.onReset = (code) => this.#leave(code);
  }

  /** The page wants nothing of it to stay. */
  get withdrawn(): boolean {
    return this.#gone === withdrawnCode;
  }

  get gone(): boolean {
    return this.#gone !== null;
  }

  answer(message: MessageInitShape<typeof RemoteFileAnswerSchema>): Promise<void> {
    return this.write(encodeRemoteFileAnswer(message));
  }

  /** Settles when there is room for more. Throws {@link StreamGone}. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#requireHere();
    if (!this.#stream.write(bytes)) await this.#event();
    this.#onMoved();
  }

  /** What the page sends, up to its end. Each part is to be given back by {@link consumed}. Throws {@link StreamGone}. */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      this.#requireHere();
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#ended) return;
      else await this.#event();
    }
  }

  /** What the machine is asked for, for as long as the page is there. Throws {@link StreamGone} when it leaves. */
  async whileHere<T>(work: Promise<T>): Promise<T> {
    this.#requireHere();
    const gone = Promise.withResolvers<never>();
    const leave = () => gone.reject(new StreamGone());
    this.#leaving.add(leave);
    try {
      return await Promise.race([work, gone.promise]);
    } finally {
      this.#leaving.delete(leave);
    }
  }

  /** Whoever waits for the page waits in vain: that is thrown at them. */
  interrupt(error: unknown): void {
    this.#broken ??= { error };
    this.#wake();
  }

  consumed(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  /** Nothing more is said. A page that has not ended its side has nothing to say either. */
  end(): void {
    this.#stream.end();
  }

  /** Ends both directions, if they are not over. */
  reset(code: string): void {
    if (this.#gone === null) this.#stream.reset(code);
    this.#leave(code);
  }

  #leave(code: string): void {
    this.#gone ??= code;
    this.#chunks.length = 0;
    for (const leave of this.#leaving) leave();
    this.#wake();
  }

  async #event(): Promise<void> {
    this.#requireHere();
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#requireHere();
  }

  #requireHere(): void {
    if (this.#gone !== null) throw new StreamGone();
    if (this.#broken !== null) throw this.#broken.error;
  }
}
