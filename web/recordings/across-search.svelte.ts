import { toProtocolError, type ErrorCode } from '../../protocol/errors.ts';
import type { IndexState, RecordingHit, RecordingSummary, VaultVerbs } from '../../workers/api.ts';
import { everything, fits, type AcrossFilter } from './across-filter.ts';
import { RecordingListing } from './recordings.svelte.ts';

/** Recordings whose indexes are on their way or opened at once. */
const atOnce = 4;
/** More than these nobody goes through: the search stops there and says so. */
export const mostPlaces = 2_000;
/** Of so many recordings summaries are in memory. */
export const mostListed = 20_000;

/** Why a recording was not searched, or not all of it. */
export type Gap = Exclude<IndexState, 'whole'> | 'no-text' | 'unreadable' | 'unsigned' | 'failed';

export interface FoundIn {
  readonly recording: RecordingSummary;
  readonly hits: readonly RecordingHit[];
}

export interface Unsearched {
  readonly recording: RecordingSummary;
  readonly gap: Gap;
}

export type AcrossVerbs = Pick<VaultVerbs, 'listRecordings' | 'searchRecordingText'>;

/**
 * A search through the sealed indexes of many recordings, newest first, one after another in the worker. Nothing of it
 * leaves the page but which recordings are looked at. Lives as long as the vault is open, so that one comes back to it.
 */
export class AcrossSearch {
  words = $state('');
  filter = $state.raw<AcrossFilter>(everything);
  phase = $state<'new' | 'searching' | 'stopped' | 'done' | 'failed'>('new');
  /** What was searched for, as far as there are results. */
  searched = $state('');
  /** Recordings that were looked at, of how many. */
  done = $state(0);
  of = $state(0);
  /** Places in all of {@link found}. */
  places = $state(0);
  found = $state.raw<readonly FoundIn[]>([]);
  gaps = $state.raw<readonly Unsearched[]>([]);
  failure = $state.raw<unknown>(null);
  /** All recordings that this vault is told of, while they come. */
  readonly listing: RecordingListing;
  readonly all = $derived.by(() => this.listing.list?.recordings ?? []);
  readonly fitting = $derived.by(() => this.all.filter((one) => fits(this.filter, one)));
  /** No more is listed: that is all, or as many as are kept in memory. */
  listed = $state(false);
  readonly #verbs: AcrossVerbs;
  #run = 0;
  #listingRun = 0;
  #listingDone: Promise<void> = Promise.resolve();

  constructor(verbs: AcrossVerbs) {
    this.#verbs = verbs;
    this.listing = new RecordingListing(verbs);
  }

  /** Which recordings there are. */
  list(): Promise<void> {
    this.#listingDone = this.#list();
    return this.#listingDone;
  }

  async #list(): Promise<void> {
    const run = ++this.#listingRun;
    this.listed = false;
    await this.listing.load(null);
    while (run === this.#listingRun && this.#moreToList) await this.listing.loadMore(null);
    if (run === this.#listingRun) this.listed = this.listing.failure === null;
  }

  get #moreToList(): boolean {
    const { list, failure } = this.listing;
    return failure === null && list?.more === true && list.recordings.length < mostListed;
  }

  /** Nobody looks at the list any more: the rest of it is not asked for. */
  leave(): void {
    this.#listingRun++;
  }

  /** Searches all that fit, from the newest. What is asked for while they are still being listed waits for that. */
  async search(): Promise<void> {
    const words = this.words.trim();
    if (words === '') return;
    const run = ++this.#run;
    this.#clear(words);
    await this.#listingDone;
    if (run !== this.#run) return;
    if (!this.listed) return this.#giveUp();
    const wanted = this.fitting;
    this.of = wanted.length;
    const left = this.#setAside(wanted).reverse();
    const next = () => (run === this.#run && this.phase === 'searching' ? left.pop() : undefined);
    await Promise.all(Array.from({ length: atOnce }, () => this.#searchNext(words, next, run)));
    if (run === this.#run && this.phase === 'searching') this.phase = 'done';
  }

  /** What was found stays. */
  stop(): void {
    if (this.phase !== 'searching') return;
    this.#run++;
    this.phase = 'stopped';
  }

  /** Which there are is not known: why, the listing says. */
  #giveUp(): void {
    this.phase = 'new';
    this.searched = '';
  }

  #clear(words: string): void {
    this.phase = 'searching';
    this.searched = words;
    this.failure = null;
    this.found = [];
    this.gaps = [];
    this.done = 0;
    this.of = 0;
    this.places = 0;
  }

  /** Those that the list says all of are told at once, and not one by one: there may be thousands. Gives the others. */
  #setAside(wanted: readonly RecordingSummary[]): RecordingSummary[] {
    const judged = wanted.map((recording) => ({ recording, gap: gapBefore(recording) }));
    this.gaps = judged.flatMap(({ recording, gap }) => (gap === null ? [] : [{ recording, gap }]));
    this.done = this.gaps.length;
    return judged.flatMap(({ recording, gap }) => (gap === null ? [recording] : []));
  }

  async #searchNext(words: string, next: () => RecordingSummary | undefined, run: number): Promise<void> {
    for (let recording = next(); recording; recording = next()) {
      try {
        await this.#searchOne(recording, words, run);
      } catch (error) {
        if (run === this.#run) this.#fail(error);
        return;
      }
    }
  }

  async #searchOne(recording: RecordingSummary, words: string, run: number): Promise<void> {
    const { sessionUid } = recording;
    try {
      const { hits, index } = await this.#verbs.searchRecordingText({ sessionUid, query: words });
      if (run === this.#run) this.#took(recording, hits, index === 'whole' ? null : index);
    } catch (error) {
      if (!isOfOne(error)) throw error;
      if (run === this.#run) this.#took(recording, [], 'failed');
    }
  }

  #took(recording: RecordingSummary, hits: readonly RecordingHit[], gap: Gap | null): void {
    this.done++;
    if (gap !== null) this.gaps = [...this.gaps, { recording, gap }];
    if (hits.length === 0) return;
    this.places += hits.length;
    this.found = [...this.found, { recording, hits }].sort(newestFirst);
    if (this.places >= mostPlaces) this.stop();
  }

  #fail(error: unknown): void {
    this.#run++;
    this.failure = error;
    this.phase = 'failed';
  }
}

/** What the list says already; such a recording is not opened. */
function gapBefore({ said }: RecordingSummary): Gap | null {
  if (said === null) return 'unsigned';
  if (!said.readable) return 'unreadable';
  return said.text ? null : 'no-text';
}

const ofOne: readonly ErrorCode[] = [
  ...(['malformed', 'too-large', 'open-failed', 'bad-signature', 'unsupported-version'] as const),
  ...(['not-allowed', 'not-found'] as const),
];

/** It is about this recording: the others may be searched all the same. */
function isOfOne(error: unknown): boolean {
  const code = toProtocolError(error)?.code;
  return code !== undefined && ofOne.includes(code);
}

function newestFirst({ recording: one }: FoundIn, { recording: other }: FoundIn): number {
  return (other.said?.startedAt ?? other.storedAt) - (one.said?.startedAt ?? one.storedAt);
}
