import { encodeHex } from '../../protocol/bytes.ts';

/**
 * Chunks that this server is writing right now. Each is written by one call at a time, so that whoever comes second sees
 * what the first one did before it touches the chunk; and what writes a file can be waited for before its chunks go.
 */
export class ChunkWrites {
  /** For each file, and each chunk of it, the end of the last call that wants to write it. */
  readonly #files = new Map<string, Map<number, Promise<void>>>();

  /** Runs the task when every earlier one for this chunk has ended. Returns or throws what the task does. */
  async alone<T>(fileUid: Uint8Array, index: number, task: () => Promise<T>): Promise<T> {
    const file = encodeHex(fileUid);
    const chunks = this.#files.get(file) ?? new Map<number, Promise<void>>();
    this.#files.set(file, chunks);
    const turn = (chunks.get(index) ?? Promise.resolve()).then(task);
    const end = turn.then(
      () => undefined,
      () => undefined, // whoever waits goes on after a failure too
    );
    chunks.set(index, end);
    try {
      return await turn;
    } finally {
      if (chunks.get(index) === end) chunks.delete(index);
      if (chunks.size === 0) this.#files.delete(file);
    }
  }

  /** Resolves when everything has ended that writes a chunk of the file, or waits to, at this moment. */
  async ended(fileUid: Uint8Array): Promise<void> {
    await Promise.all(this.#files.get(encodeHex(fileUid))?.values() ?? []);
  }
}
