import { concat, empty, type Bytes } from '../../protocol/bytes.ts';
import type { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { exportChunk, sealExportFrame } from '../../protocol/vault/sealed-export.ts';
import type { ByteSink } from './export-source.ts';

/** Cuts what is written into frames and seals each as soon as it is full: at most one frame is held. */
export class SealedStream {
  readonly #key: SymmetricKey;
  readonly #header: Bytes;
  readonly #sink: ByteSink;
  #waiting: Bytes[] = [];
  #length = 0;
  #index = 0;

  constructor(key: SymmetricKey, header: Bytes, sink: ByteSink) {
    this.#key = key;
    this.#header = header;
    this.#sink = sink;
  }

  async write(bytes: Bytes): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      // A full frame waits for more bytes: only then is it known not to be the last.
      if (this.#length === exportChunk) await this.#seal(false);
      const part = bytes.slice(from, from + exportChunk - this.#length);
      this.#waiting.push(part);
      this.#length += part.length;
      from += part.length;
    }
  }

  /** Seals what waits as the final frame. Nothing is written after it. */
  async end(): Promise<void> {
    await this.#seal(true);
  }

  async #seal(final: boolean): Promise<void> {
    const chunk = this.#waiting.length === 0 ? empty : concat(...this.#waiting);
    this.#waiting = [];
    this.#length = 0;
    await this.#sink(await sealExportFrame(this.#key, this.#header, this.#index++, final, chunk));
  }
}
