import { limits } from '../limits.ts';
import type { MultiplexedStream } from './stream.ts';

/** Frames that little-queued streams may take before a waiting bulk stream gets one: nobody starves. */
const interactiveRun = 16;

/**
 * Whose frame goes next: round robin, streams with little queued first, so that a flood on one stream does not delay
 * a keystroke on another.
 */
export class Scheduler {
  readonly #ready = new Set<MultiplexedStream>(); // in order of their turns
  #run = 0;

  add(stream: MultiplexedStream): void {
    this.#ready.add(stream);
  }

  remove(stream: MultiplexedStream): void {
    this.#ready.delete(stream);
  }

  clear(): void {
    this.#ready.clear();
  }

  /**
   * The stream whose turn it is, moved to the back of the queue; null when none can send. `littleOnly`: a stream with much
   * queued gets no turn, and none is taken from it.
   */
  next(littleOnly: boolean): MultiplexedStream | null {
    let bulk: MultiplexedStream | null = null;
    let interactive: MultiplexedStream | null = null;
    for (const stream of this.#ready) {
      if (!stream.sendable) this.#ready.delete(stream);
      else if (stream.queued > limits.streamInteractive) bulk ??= stream;
      else interactive ??= stream;
      if (bulk !== null && interactive !== null) break;
    }
    const bulkIsDue = bulk !== null && this.#run >= interactiveRun;
    const chosen = bulkIsDue ? bulk : (interactive ?? bulk);
    if (chosen === null || (littleOnly && chosen === bulk)) return null;
    this.#run = chosen === interactive && bulk !== null ? this.#run + 1 : 0;
    if (this.#ready.delete(chosen)) this.#ready.add(chosen);
    return chosen;
  }
}
