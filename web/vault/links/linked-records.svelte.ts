import { SvelteMap } from 'svelte/reactivity';
import { toProtocolError } from '../../../protocol/errors.ts';
import { firstText } from '../../../protocol/records/content.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { VaultVerbs } from '../../../workers/api.ts';

export interface LinkedRecord {
  readonly title: string;
  readonly login: string;
}

/** What linked records are called. */
export class LinkedRecords {
  readonly #verbs: VaultVerbs;
  readonly #fail: (error: unknown) => void;
  readonly #known = new SvelteMap<Uid, LinkedRecord | null>();

  constructor(verbs: VaultVerbs, fail: (error: unknown) => void) {
    this.#verbs = verbs;
    this.#fail = fail;
  }

  /** Undefined until it is known; null for one that is gone, or that this account may not see. */
  get(uid: Uid): LinkedRecord | null | undefined {
    return this.#known.get(uid);
  }

  /** Looks all of them up again; call it in an effect that reads what the answer depends on. */
  async read(uids: readonly Uid[]): Promise<void> {
    for (const uid of uids) this.#known.set(uid, await this.#read(uid));
  }

  async #read(uid: Uid): Promise<LinkedRecord | null> {
    try {
      const { content } = await this.#verbs.readRecord(uid);
      return { title: content.title || 'Untitled', login: firstText(content, 'login') };
    } catch (error) {
      const code = toProtocolError(error)?.code;
      if (code !== 'not-found' && code !== 'not-allowed') this.#fail(error);
      return null;
    }
  }
}
