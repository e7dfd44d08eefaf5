import type { Uid } from '../../protocol/uid.ts';
import type { RecordingList, RecordingSummary, VaultVerbs } from '../../workers/api.ts';
import { searchedText } from './recording-text.ts';

/** The list of recordings: pages as they were asked for, and what of them is looked for. */
export class RecordingListing {
  /** Null before the first answer. */
  list = $state.raw<RecordingList | null>(null);
  failure = $state.raw<unknown>(null);
  loading = $state(false);
  words = $state('');
  readonly shown: readonly RecordingSummary[] = $derived.by(() => {
    const words = this.words.toLowerCase().split(/\s+/).filter(Boolean);
    const all = this.list?.recordings ?? [];
    return all.filter((one) => words.every((word) => searchedText(one).includes(word)));
  });
  readonly #verbs: Pick<VaultVerbs, 'listRecordings'>;
  #asked = 0;

  constructor(verbs: Pick<VaultVerbs, 'listRecordings'>) {
    this.#verbs = verbs;
  }

  /** The newest of all records, or of that one. */
  async load(recordUid: Uid | null): Promise<void> {
    await this.#ask(recordUid, null);
  }

  /** The next page behind what is here. */
  async loadMore(recordUid: Uid | null): Promise<void> {
    if (this.list) await this.#ask(recordUid, this.list);
  }

  async #ask(recordUid: Uid | null, onto: RecordingList | null): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const before = onto?.recordings.at(-1) ?? null;
      const answer = await this.#verbs.listRecordings({ recordUid, before: placeOf(before) });
      if (asked !== this.#asked) return; // somebody asked for something else meanwhile
      this.list = onto ? { ...answer, recordings: [...onto.recordings, ...answer.recordings] } : answer;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = error;
    }
    if (asked === this.#asked) this.loading = false;
  }
}

function placeOf(summary: RecordingSummary | null) {
  return summary && { storedAt: summary.storedAt, sessionUid: summary.sessionUid };
}
