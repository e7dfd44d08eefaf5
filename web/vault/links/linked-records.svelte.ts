import { SvelteMap } from 'svelte/reactivity';
import { toProtocolError } from '../../../protocol/errors.ts';
import { firstText } from '../../../protocol/records/content.ts';
import { parseUid, type Uid } from '../../../protocol/uid.ts';
import type { VaultVerbs } from '../../../workers/api.ts';

/** A record that is pointed at. */
export type LinkedRecord =
  | {
      readonly kind: 'known';
      readonly uid: Uid;
      readonly title: string;
      readonly login: string;
      readonly trashed: boolean;
    }
  /** It does not exist any more, or this account may not see it: the vault cannot tell. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreadable' };

/** What linked records are called. */
export class LinkedRecords {
  readonly #verbs: VaultVerbs;
  readonly #fail: (error: unknown) => void;
  readonly #known = new SvelteMap<string, LinkedRecord>();

  constructor(verbs: VaultVerbs, fail: (error: unknown) => void) {
    this.#verbs = verbs;
    this.#fail = fail;
  }

  /** Undefined until it is known. */
  get(uid: string): LinkedRecord | undefined {
    return this.#known.get(uid);
  }

  /** Its title, or why there is none; empty until it is known. */
  textOf(uid: string): string {
    const record = this.get(uid);
    switch (record?.kind) {
      case 'known':
        return record.trashed ? `${record.title} (in the trash)` : record.title;
      case 'gone':
        return 'No longer there, or not shared with you';
      case 'unreadable':
        return 'Cannot be opened on this device';
      case undefined:
        return '';
    }
  }

  /** Looks all of them up again; call it in an effect that reads what the answer depends on. */
  async read(uids: readonly string[]): Promise<void> {
    await Promise.all(uids.map(async (uid) => this.#known.set(uid, await this.#read(uid))));
  }

  async #read(text: string): Promise<LinkedRecord> {
    try {
      const { uid, content, trashed } = await this.#verbs.readRecord(parseUid(text));
      const login = firstText(content, 'login');
      return { kind: 'known', uid, title: content.title || 'Untitled', login, trashed };
    } catch (error) {
      const code = toProtocolError(error)?.code;
      if (code === 'not-found' || code === 'not-allowed' || code === 'malformed') return { kind: 'gone' };
      if (code !== 'open-failed') this.#fail(error);
      return { kind: 'unreadable' };
    }
  }
}
