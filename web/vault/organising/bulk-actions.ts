import type { Undo, VaultVerbs } from '../../../workers/api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Toasts } from '../../state/toasts.svelte.ts';
import { countOf } from './count-text.ts';

const undoMs = 12_000;

/** What is done with one record or many, said afterwards, and taken back on a click. */
export class BulkActions {
  readonly #verbs: VaultVerbs;
  readonly #toasts: Toasts;

  constructor(verbs: VaultVerbs, toasts: Toasts) {
    this.#verbs = verbs;
    this.#toasts = toasts;
  }

  async trash(uids: readonly Uid[], title?: string): Promise<boolean> {
    const what = title ?? countOf(uids.length, 'record');
    return await this.#do(() => this.#verbs.trashRecords(uids), `${what} moved to the trash`, 'Not deleted');
  }

  async move(uids: readonly Uid[], folderUid: Uid | null, folderName: string): Promise<boolean> {
    const said = `${countOf(uids.length, 'record')} moved to ${folderName}`;
    return await this.#do(() => this.#verbs.moveRecords({ uids, folderUid }), said, 'Not moved');
  }

  async setFavourite(uids: readonly Uid[], favourite: boolean): Promise<boolean> {
    const said = favourite ? 'Added to favourites' : 'Removed from favourites';
    return await this.#do(() => this.#verbs.setFavourite({ uids, favourite }), said, 'Not changed');
  }

  async changeTags(
    uids: readonly Uid[],
    add: readonly string[],
    remove: readonly string[],
  ): Promise<boolean> {
    return await this.#do(() => this.#verbs.changeTags({ uids, add, remove }), 'Tags changed', 'Not changed');
  }

  async deleteFolder(folderUid: Uid, name: string, content: 'up' | 'trash'): Promise<boolean> {
    return await this.#do(
      () => this.#verbs.deleteFolder({ folderUid, content }),
      `Folder ${name} deleted`,
      'Not deleted',
    );
  }

  async #do(change: () => Promise<Undo>, said: string, failed: string): Promise<boolean> {
    try {
      const { token } = await change();
      this.#toasts.say({
        title: said,
        action: { label: 'Undo', run: () => void this.#undo(token) },
        forMs: undoMs,
      });
      return true;
    } catch (error) {
      this.#toasts.fail(error, failed);
      return false;
    }
  }

  async #undo(token: string): Promise<void> {
    try {
      await this.#verbs.undo(token);
    } catch (error) {
      this.#toasts.fail(error, 'Not taken back');
    }
  }
}
