import type { MessageInitShape } from '@bufbuild/protobuf';
import { AwaitedStream } from '../../protocol/channel/awaited-stream.ts';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import { encodeRemoteFileAnswer, withdrawnCode } from '../../protocol/channel/remote-files.ts';
import type { RemoteFileAnswerSchema } from '../../protocol/messages/gen/remote-file_pb.js';

/** The page, or the way to it, is gone: nobody is to be told anything. */
export class StreamGone extends Error {}

/** The stream of one request, as the gateway serves it. Made in the turn in which the stream came. */
export class FileStream {
  readonly #stream: AwaitedStream;
  #gone: string | null = null;
  #moved = 0;
  readonly #leaving = new Set<() => void>(); // not one promise for all: each race would stay with it to the end

  /** `onMoved` hears of everything that goes either way. */
  constructor(stream: Stream, onMoved: () => void = () => {}) {
    this.#stream = new AwaitedStream(stream, { onMoved, onReset: (code) => this.#left(code) });
  }

  /** The page wants nothing of it to stay. */
  get withdrawn(): boolean {
    return this.#gone === withdrawnCode;
  }

  /** Bytes that went either way. */
  get moved(): number {
    return this.#moved;
  }

  get gone(): boolean {
    return this.#gone !== null;
  }

  answer(message: MessageInitShape<typeof RemoteFileAnswerSchema>): Promise<void> {
    return this.write(encodeRemoteFileAnswer(message));
  }

  /** Settles when there is room for more. Throws {@link StreamGone}. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#stream.write(bytes);
    this.#moved += bytes.length;
  }

  /** What the page sends, up to its end. Each part is to be given back by {@link consumed}. Throws {@link StreamGone}. */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    for (let part = await this.#stream.read(); part !== null; part = await this.#stream.read()) {
      this.#moved += part.length;
      yield part;
    }
  }

  /** What the machine is asked for, for as long as the page is there. Throws {@link StreamGone} when it leaves. */
  async whileHere<T>(work: Promise<T>): Promise<T> {
    if (this.gone) throw new StreamGone();
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
    if (!this.gone) this.#stream.fail(error);
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
    if (this.gone) return;
    this.#stream.reset(code);
    this.#stream.fail(this.#left(code));
  }

  #left(code: string): StreamGone {
    this.#gone ??= code;
    for (const leave of this.#leaving) leave();
    return new StreamGone();
  }
}
