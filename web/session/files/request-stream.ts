import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { RemoteFileAnswers, remoteFileCodes, withdrawnCode } from '../../../protocol/channel/remote-files.ts';
import type { RemoteFileAnswer } from '../../../protocol/messages/gen/remote-file_pb.js';
import { MachineFileFailure } from './file-failures.ts';

/** One request about the machine's files, on a stream of its own. A failure of it is a {@link MachineFileFailure}. */
export class RequestStream {
  readonly #stream: Stream;
  readonly #answers = new RemoteFileAnswers();
  readonly #stopListening: () => void;
  #chunks: Uint8Array[] = []; // no more than was granted
  #ended = false;
  #failure: MachineFileFailure | null = null;
  #wake: () => void = () => {};

  constructor(stream: Stream, signal: AbortSignal) {
    this.#stream = stream;
    stream.onData = (bytes) => {
      this.#chunks.push(bytes);
      this.#wake();
    };
    stream.onEnd = () => {
      this.#ended = true;
      this.#wake();
    };
    stream.onDrain = () => this.#wake();
    stream.onReset = (code) =>
      this.#fail(remoteFileCodes.find((known) => known === code) ?? 'connection-lost');
    const cancel = () => this.#cancel();
    signal.addEventListener('abort', cancel, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', cancel);
    if (signal.aborted) cancel();
  }

  /** The next answer; null at the end. */
  async answer(): Promise<RemoteFileAnswer | null> {
    for (;;) {
      const answer = this.#answers.next(this.#take());
      if (answer !== null) return answer;
      if (this.#over) return null;
      if (this.#chunks.length === 0) await this.#event();
    }
  }

  /** The bytes that follow the last answer, to the end. Each part counts as used up when it is asked for. */
  async *bytes(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const rest = this.#answers.rest();
    if (rest.length > 0) yield rest;
    for (;;) {
      const bytes = this.#take();
      if (bytes.length > 0) yield new Uint8Array(bytes);
      else if (this.#over) return;
      else await this.#event();
    }
  }

  /** Settles when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#requireOpen();
    if (!this.#stream.write(bytes)) await this.#event();
  }

  /** Nothing more is sent. */
  end(): void {
    this.#stream.end();
  }

  /** No more of it is wanted: of an upload that is not whole, nothing stays. */
  close(): void {
    this.#stopListening();
    if (this.#ended) this.#stream.end();
    else this.#stream.reset(withdrawnCode);
  }

  get #over(): boolean {
    return this.#ended && this.#chunks.length === 0;
  }

  #take(): Uint8Array {
    this.#requireOpen();
    const bytes = this.#chunks.shift() ?? new Uint8Array(0);
    if (bytes.length > 0) this.#stream.consumed(bytes.length);
    return bytes;
  }

  #cancel(): void {
    this.#stream.reset(withdrawnCode);
    this.#fail('cancelled');
  }

  #fail(code: MachineFileFailure['code']): void {
    this.#failure ??= new MachineFileFailure(code);
    this.#chunks = [];
    this.#wake();
  }

  async #event(): Promise<void> {
    this.#requireOpen();
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#requireOpen();
  }

  #requireOpen(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}
