import type { SessionLogEntryView, SessionLogFilter, SessionLogPage, VaultVerbs } from '../../workers/api.ts';

type Verbs = Pick<VaultVerbs, 'listSessionLog'>;

/** An export is read page by page; more than this nobody reads as a table. */
const mostExported = 20_000;

/** The list of events: pages as they were asked for, under one filter. */
export class EventListing {
  /** Null before the first answer. */
  page = $state.raw<SessionLogPage | null>(null);
  failure = $state.raw<unknown>(null);
  loading = $state(false);
  readonly #verbs: Verbs;
  #asked = 0;

  constructor(verbs: Verbs) {
    this.#verbs = verbs;
  }

  async load(filter: SessionLogFilter): Promise<void> {
    await this.#ask(filter, null);
  }

  /** The next page behind what is here. */
  async loadMore(filter: SessionLogFilter): Promise<void> {
    if (this.page) await this.#ask(filter, this.page);
  }

  /** Everything under that filter, newest first; `cut`: there was more than an export holds. */
  async all(filter: SessionLogFilter): Promise<{ entries: SessionLogEntryView[]; cut: boolean }> {
    const entries: SessionLogEntryView[] = [];
    for (;;) {
      const after = entries.at(-1)?.place ?? null;
      const page = await this.#verbs.listSessionLog({ filter, after });
      entries.push(...page.entries);
      if (!page.more || page.entries.length === 0) return { entries, cut: false };
      if (entries.length >= mostExported) return { entries, cut: true };
    }
  }

  async #ask(filter: SessionLogFilter, onto: SessionLogPage | null): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const after = onto?.entries.at(-1)?.place ?? null;
      const answer = await this.#verbs.listSessionLog({ filter, after });
      if (asked !== this.#asked) return; // somebody asked for something else meanwhile
      this.page = onto ? { ...answer, entries: [...onto.entries, ...answer.entries] } : answer;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = error;
    }
    if (asked === this.#asked) this.loading = false;
  }
}
