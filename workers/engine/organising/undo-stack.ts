import type { Undo } from '../../api.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';

/** Changes that can be taken back; older ones are forgotten. */
const mostUndone = 20;

/** How to take back the last bulk changes of this unlock. */
export class UndoStack {
  readonly #steps = new Map<string, () => Promise<void>>();

  add(changed: number, takeBack: () => Promise<void>): Undo {
    const token = newUid();
    this.#steps.set(token, takeBack);
    const [oldest] = this.#steps.keys();
    if (this.#steps.size > mostUndone && oldest !== undefined) this.#steps.delete(oldest);
    return { token, changed };
  }

  /** Once. Throws `not-found`, or what the change back throws. */
  async undo(token: string): Promise<void> {
    const step = this.#steps.get(token);
    if (!step) throw new ProtocolError('not-found', 'this change cannot be taken back any more');
    this.#steps.delete(token);
    await step();
  }

  clear(): void {
    this.#steps.clear();
  }
}
