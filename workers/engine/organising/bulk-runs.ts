import type { BulkOutcome, BulkResult, Progress } from '../../api/organising.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { BatchOptions } from '../records/record-writer.ts';
import type { UndoStack } from './undo-stack.ts';

/** Who is told how far a change has come, and the name by which it is ended. */
export interface BulkWatch {
  readonly onProgress?: Progress | undefined;
  readonly run?: string | undefined;
}

/** The same, and how many it is about. */
export interface BulkSize extends BulkWatch {
  readonly of: number;
}

/** Works in order and tells after each batch how many are done; throws `cancelled` between two when told to end. */
export type BulkWork = (options: {
  readonly signal: AbortSignal;
  readonly onProgress: Progress;
}) => Promise<void>;

/** Changes of many records that are under way: told how far they are, ended on demand, taken back as far as they came. */
export class BulkRuns {
  readonly #undo: UndoStack;
  /** By name; one without a name ends with the vault alone. */
  readonly #running = new Map<AbortController, string | undefined>();

  constructor(undo: UndoStack) {
    this.#undo = undo;
  }

  /** The one of that name ends after the batch that it is at; one that is over is left alone. */
  cancel(name: string): void {
    for (const [running, run] of this.#running) if (run === name) running.abort();
  }

  cancelAll(): void {
    for (const running of this.#running.keys()) running.abort();
  }

  /**
   * What was done stays done, whatever stopped the rest, and the outcome says so. Throws what the work throws before
   * anything was done.
   */
  async run({ of, onProgress, run }: BulkSize, work: BulkWork): Promise<BulkOutcome> {
    const running = new AbortController();
    this.#running.set(running, run);
    let changed = 0;
    try {
      await work({
        signal: running.signal,
        onProgress: (done) => {
          changed = done;
          onProgress?.(done, of);
        },
      });
      return { changed, of, stopped: null };
    } catch (error) {
      if (!(error instanceof ProtocolError) || (changed === 0 && error.code !== 'cancelled')) throw error;
      return { changed, of, stopped: error.code };
    } finally {
      this.#running.delete(running);
    }
  }

  /** As `run`; `takeBack` is given how many were done, and takes back those alone. */
  async runUndoable(
    size: BulkSize,
    work: BulkWork,
    takeBack: (done: number, options: BatchOptions) => Promise<void>,
  ): Promise<BulkResult> {
    const outcome = await this.run(size, work);
    const { changed } = outcome;
    return { ...outcome, ...this.#undo.add(changed, async (options) => await takeBack(changed, options)) };
  }
}

/** Throws `cancelled`: what was done until now stays. */
export function requireGoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new ProtocolError('cancelled', 'the rest was not changed');
}
