import type { Uid } from '../../protocol/uid.ts';
import type { ApplicationEventView, VaultVerbs } from '../../workers/api.ts';
import { devicesIn } from './event-devices.ts';

type Verbs = Pick<VaultVerbs, 'listApplicationEvents'>;

/** What the devices of one application did: pages as they were asked for, the newest first. */
export class Usage {
  /** Null before the first answer. */
  events = $state.raw<readonly ApplicationEventView[] | null>(null);
  hasMore = $state(false);
  loading = $state(false);
  failure = $state.raw<unknown>(null);
  /** The device whose events are shown; empty: of all. */
  clientId = $state('');
  readonly shown = $derived(
    (this.events ?? []).filter(({ clientId }) => this.clientId === '' || clientId === this.clientId),
  );
  /** Those that the events name: also devices that were revoked. */
  readonly devices = $derived(devicesIn(this.events ?? []));
  readonly #verbs: Verbs;
  #asked = 0;

  constructor(verbs: Verbs) {
    this.#verbs = verbs;
  }

  async load(applicationUid: Uid): Promise<void> {
    await this.#ask(applicationUid, []);
  }

  /** The next page behind what is here. */
  async loadMore(applicationUid: Uid): Promise<void> {
    if (this.events !== null) await this.#ask(applicationUid, this.events);
  }

  /** Of two answers the later question's counts. */
  async #ask(applicationUid: Uid, onto: readonly ApplicationEventView[]): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    const before = onto.at(-1)?.at;
    try {
      const page = await this.#verbs.listApplicationEvents({
        applicationUid,
        ...(before !== undefined && { before }),
      });
      if (asked !== this.#asked) return;
      this.events = [...onto, ...page.events];
      this.hasMore = page.hasMore;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = error;
    }
    if (asked === this.#asked) this.loading = false;
  }
}
