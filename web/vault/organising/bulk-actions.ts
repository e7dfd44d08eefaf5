import { shownName } from '../../../protocol/records/shown-name.ts';
import type { BulkOutcome, BulkResult, Progress, VaultVerbs } from '../../../workers/api.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { explainError } from '../../state/error-text.ts';
import type { Toasts } from '../../state/toasts.svelte.ts';
import { countOf } from './count-text.ts';

const undoMs = 12_000;

/** How a change of many is spoken of. */
interface Wording {
  /** While it goes on. */
  readonly doing: string;
  /** `what` is "2 records", or "200 of 1,000 records" when it went no further. */
  readonly done: (what: string) => string;
  readonly failed: string;
}

/**
 * What is done with one record or many: with figures while it goes on and a way to end it, said afterwards, and taken
 * back on a click as far as it came. The answers tell whether all of it was done.
 */
export class BulkActions {
  readonly #verbs: VaultVerbs;
  readonly #toasts: Toasts;

  constructor(verbs: VaultVerbs, toasts: Toasts) {
    this.#verbs = verbs;
    this.#toasts = toasts;
  }

  async trash(uids: readonly Uid[], title?: string): Promise<boolean> {
    return await this.#do((...watch) => this.#verbs.trashRecords(uids, ...watch), {
      doing: 'Moving to the trash',
      done: (what) => `${title === undefined ? what : shownName(title)} moved to the trash`,
      failed: 'Not deleted',
    });
  }

  async restore(uids: readonly Uid[]): Promise<boolean> {
    return await this.#do((...watch) => this.#verbs.restoreRecords(uids, ...watch), {
      doing: 'Restoring',
      done: (what) => `${what} restored`,
      failed: 'Not restored',
    });
  }

  /** For good: there is nothing to take back. */
  async purge(uids: readonly Uid[]): Promise<boolean> {
    return await this.#do((...watch) => this.#verbs.purgeRecords(uids, ...watch), {
      doing: 'Deleting for good',
      done: (what) => `${what} deleted for good`,
      failed: 'Not deleted',
    });
  }

  async move(uids: readonly Uid[], folderUid: Uid | null, folderName: string): Promise<boolean> {
    return await this.#do((...watch) => this.#verbs.moveRecords({ uids, folderUid }, ...watch), {
      doing: `Moving to ${folderName}`,
      done: (what) => `${what} moved to ${folderName}`,
      failed: 'Not moved',
    });
  }

  async setFavourite(uids: readonly Uid[], favourite: boolean): Promise<boolean> {
    const said = favourite ? 'Added to favourites' : 'Removed from favourites';
    return await this.#do((...watch) => this.#verbs.setFavourite({ uids, favourite }, ...watch), {
      doing: favourite ? 'Adding to favourites' : 'Removing from favourites',
      done: (what) => (uids.length === 1 ? said : `${said}: ${what}`),
      failed: 'Not changed',
    });
  }

  async changeTags(
    uids: readonly Uid[],
    add: readonly string[],
    remove: readonly string[],
  ): Promise<boolean> {
    return await this.#do((...watch) => this.#verbs.changeTags({ uids, add, remove }, ...watch), {
      doing: 'Changing tags',
      done: (what) => (uids.length === 1 ? 'Tags changed' : `Tags changed: ${what}`),
      failed: 'Not changed',
    });
  }

  async deleteFolder(folderUid: Uid, name: string, content: 'up' | 'trash'): Promise<boolean> {
    return await this.#do((...watch) => this.#verbs.deleteFolder({ folderUid, content }, ...watch), {
      doing: `Deleting ${name}`,
      done: (what) => (what.includes(' of ') ? `${what} taken out of ${name}` : `Folder ${name} deleted`),
      failed: 'Not deleted',
    });
  }

  /** Each as it was shown: the gateways follow from then on. */
  async confirmMachines(machines: Parameters<VaultVerbs['confirmMachines']>[0]): Promise<boolean> {
    return await this.#do((...watch) => this.#verbs.confirmMachines(machines, ...watch), {
      doing: 'Confirming machines',
      done: (what) => `${what.replace('record', 'machine')} confirmed`,
      failed: 'Not confirmed',
    });
  }

  async #do(
    change: (onProgress: Progress, run: string) => Promise<BulkOutcome | BulkResult>,
    wording: Wording,
  ): Promise<boolean> {
    const run = newUid(); // each is ended by its own name
    const going = this.#toasts.follow(wording.doing, () => void this.#cancel(run));
    try {
      const outcome = await change(going.show, run);
      going.end();
      this.#tell(outcome, wording);
      return outcome.stopped === null;
    } catch (error) {
      going.end();
      this.#toasts.fail(error, wording.failed);
      return false;
    }
  }

  #tell(outcome: BulkOutcome | BulkResult, { done, failed }: Wording): void {
    const { changed, of, stopped } = outcome;
    if (changed === 0 && stopped !== null)
      return void this.#toasts.say({ title: failed, detail: why(stopped) });
    const what = stopped === null ? countOf(of, 'record') : partOf(changed, of);
    this.#toasts.say({
      title: done(what),
      detail: stopped === null ? '' : why(stopped),
      forMs: undoMs,
      ...('token' in outcome && {
        action: { label: 'Undo', run: () => void this.#undo(outcome.token) },
      }),
    });
  }

  async #cancel(run: string): Promise<void> {
    await this.#verbs.cancelBulk(run).catch((error: unknown) => this.#toasts.fail(error, 'Not cancelled'));
  }

  async #undo(token: string): Promise<void> {
    const going = this.#toasts.follow('Taking it back', null);
    try {
      await this.#verbs.undo(token, going.show);
    } catch (error) {
      this.#toasts.fail(error, 'Not taken back');
    }
    going.end();
  }
}

function why(stopped: NonNullable<BulkOutcome['stopped']>): string {
  if (stopped === 'cancelled') return 'Cancelled. The rest is as it was.';
  const { title, next } = explainError(new ProtocolError(stopped, 'the rest was not changed'));
  return `The rest is as it was: ${title.charAt(0).toLowerCase()}${title.slice(1)}. ${next}`;
}

function partOf(changed: number, of: number): string {
  return `${changed.toLocaleString()} of ${countOf(of, 'record')}`;
}
