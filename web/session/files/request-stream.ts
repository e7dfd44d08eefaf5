import { AwaitedStream } from '../../../protocol/channel/awaited-stream.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { RemoteFileAnswers, remoteFileCodes, withdrawnCode } from '../../../protocol/channel/remote-files.ts';
import type { RemoteFileAnswer } from '../../../protocol/messages/gen/remote-file_pb.js';
import { MachineFileFailure } from './file-failures.ts';

/** One request about the machine's files, on a stream of its own. A failure of it is a {@link MachineFileFailure}. */
export class RequestStream {
  readonly #stream: AwaitedStream;
  readonly #answers = new RemoteFileAnswers();
  readonly #stopListening: () => void;

  constructor(stream: Stream, signal: AbortSignal) {
    this.#stream = new AwaitedStream(stream, { onReset: failureOf });
    const cancel = () => this.#cancel();
    signal.addEventListener('abort', cancel, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', cancel);
    if (signal.aborted) cancel();
  }

  /** The next answer; null at the end. */
  async answer(): Promise<RemoteFileAnswer | null> {
    for (let part: Uint8Array | null = new Uint8Array(0); part !== null; part = await this.#take()) {
      const answer = this.#answers.next(part);
      if (answer !== null) return answer;
    }
    return null;
  }

  /** The bytes that follow the last answer, to the end. Each part counts as used up when it is asked for. */
  async *bytes(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const rest = this.#answers.rest();
    if (rest.length > 0) yield rest;
    for (let part = await this.#take(); part !== null; part = await this.#take()) yield new Uint8Array(part);
  }

  /** Settles when there is room for more. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#stream.write(bytes);
  }

  /** Nothing more is sent. */
  end(): void {
    this.#stream.end();
  }

  /** No more of it is wanted: of an upload that is not whole, nothing stays. */
  close(): void {
    this.#stopListening();
    if (this.#stream.ended) this.#stream.end();
    else this.#stream.reset(withdrawnCode);
  }

  async #take(): Promise<Uint8Array | null> {
    const part = await this.#stream.read();
    if (part !== null) this.#stream.consumed(part.length);
    return part;
  }

  #cancel(): void {
    this.#stream.reset(withdrawnCode);
    this.#stream.fail(new MachineFileFailure('cancelled'));
  }
}

function failureOf(code: string): MachineFileFailure {
  return new MachineFileFailure(remoteFileCodes.find((known) => known === code) ?? 'connection-lost');
}
