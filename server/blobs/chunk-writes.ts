/**
 * Chunks that this server is writing right now. Each is written by one call at a time, so that whoever comes second sees
 * what the first one did before it touches the chunk; and what writes a folder of chunks can be waited for before they go.
 */
export class ChunkWrites {
  /** For each folder, and each chunk of it, the end of the last call that wants to write it. */
  readonly #folders = new Map<string, Map<number, Promise<void>>>();

  /** Runs the task when every earlier one for this chunk has ended. Returns or throws what the task does. */
  async alone<T>(folder: string, index: number, task: () => Promise<T>): Promise<T> {
    const chunks = this.#folders.get(folder) ?? new Map<number, Promise<void>>();
    this.#folders.set(folder, chunks);
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
      if (chunks.size === 0) this.#folders.delete(folder);
    }
  }

  /** Resolves when everything has ended that writes a chunk of the folder, or waits to, at this moment. */
  async ended(folder: string): Promise<void> {
    await Promise.all(this.#folders.get(folder)?.values() ?? []);
  }
}
