import type { Undo } from '../../api.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { BatchOptions } from '../records/record-writer.ts';

type TakeBack = (options: BatchOptions) => Promise<void>;

/** Changes that can be taken back; older ones are forgotten. */
const mostUndone = 20;

/** How to take back the last bulk changes of this unlock. */
export class UndoStack {
  readonly #steps = new Map<string, TakeBack>();

  add(changed: number, takeBack: TakeBack): Undo {
    const token = newUid();
    this.#steps.set(token, takeBack);
    const [oldest] = this.#steps.keys();
    if (this.#steps.size > mostUndone && oldest !== undefined) this.#steps.delete(oldest);
    return { token, changed };
  }

  /** Once. Throws `not-found`, or what the change back throws. */
  async undo(token: string, options: BatchOptions = {}): Promise<void> {
    const step = this.#steps.get(token);
    if (!step) throw new ProtocolError('not-found', 'this change cannot be taken back any more');
    this.#steps.delete(token);
    await step(options);
  }

  clear(): void {
    this.#steps.clear();
  }
}
