import type { Uid } from '../../protocol/uid.ts';
import type { NewMarker, RecordingMarker, VaultVerbs } from '../../workers/api.ts';
import type { Toasts } from '../state/toasts.svelte.ts';

export type MarkerVerbs = Pick<
  VaultVerbs,
  'listRecordingMarkers' | 'saveRecordingMarker' | 'removeRecordingMarker'
>;

/** What of a marker is being written: a new one has no UID yet. */
export interface MarkerDraft extends Omit<NewMarker, 'text'> {
  /** As it was; for a new one empty. */
  readonly text: string;
}

/** Markers of the recording on the screen: listed, written, changed and taken back. */
export class Markers {
  /** By time. */
  all = $state.raw<readonly RecordingMarker[]>([]);
  /** So many that nobody whom this vault knows wrote. */
  unproved = $state(0);
  /** Why they are not there. */
  failure = $state.raw<unknown>(null);
  loaded = $state(false);
  busy = $state(false);
  /** Null while none is written. */
  draft = $state.raw<MarkerDraft | null>(null);
  /** The draft's words, as far as they are written. */
  words = $state('');
  /** Counts how often somebody wanted to write another while there were words that are not saved: those come first. */
  wanted = $state(0);
  readonly #verbs: MarkerVerbs;
  readonly #sessionUid: Uid;
  readonly #toasts: Pick<Toasts, 'say' | 'fail'>;

  constructor(verbs: MarkerVerbs, sessionUid: Uid, toasts: Pick<Toasts, 'say' | 'fail'>) {
    this.#verbs = verbs;
    this.#sessionUid = sessionUid;
    this.#toasts = toasts;
  }

  async load(): Promise<void> {
    try {
      const { markers, unproved } = await this.#verbs.listRecordingMarkers(this.#sessionUid);
      this.all = markers;
      this.unproved = unproved;
      this.loaded = true;
      this.failure = null;
    } catch (error) {
      this.failure = error;
    }
  }

  /** Begins one at that moment. */
  begin(atMs: number): void {
    this.#write({ uid: null, revision: 0, atMs: Math.round(atMs), text: '' });
  }

  change({ uid, revision, atMs, text }: RecordingMarker): void {
    this.#write({ uid, revision, atMs, text });
  }

  #write(draft: MarkerDraft): void {
    if (this.#unsaved && !this.busy) {
      this.wanted++;
      return;
    }
    this.draft = draft;
    this.words = draft.text;
  }

  async save(): Promise<void> {
    const { draft, words } = this;
    if (draft === null || this.busy) return;
    this.busy = true;
    const saved = await this.#store({ ...draft, text: words.trim() }, 'The marker is not saved');
    this.busy = false;
    if (saved && this.draft === draft) this.draft = null; // else another one was begun meanwhile
    if (!saved && !this.#unsaved) [this.draft, this.words] = [draft, words];
  }

  get #unsaved(): boolean {
    return this.draft !== null && this.words.trim() !== this.draft.text.trim();
  }

  async remove(marker: RecordingMarker): Promise<void> {
    const { uid, revision, atMs, text } = marker;
    try {
      await this.#verbs.removeRecordingMarker({ sessionUid: this.#sessionUid, markerUid: uid });
    } catch (error) {
      return this.#toasts.fail(error, 'The marker is not deleted');
    }
    this.all = this.all.filter((one) => one.uid !== uid);
    if (this.draft?.uid === uid) this.draft = null;
    const back = () => void this.#store({ uid, revision, atMs, text }, 'The marker is not back');
    this.#toasts.say({ title: 'Marker deleted', action: { label: 'Undo', run: back }, forMs: 10_000 });
  }

  /** The one after that moment, or before it; null: there is none. */
  next(afterMs: number): RecordingMarker | null {
    return this.all.find(({ atMs }) => atMs > afterMs) ?? null;
  }

  previous(beforeMs: number): RecordingMarker | null {
    return this.all.findLast(({ atMs }) => atMs < beforeMs) ?? null;
  }

  async #store(marker: NewMarker, failed: string): Promise<boolean> {
    try {
      const saved = await this.#verbs.saveRecordingMarker({ sessionUid: this.#sessionUid, marker });
      const others = this.all.filter(({ uid }) => uid !== saved.uid);
      this.all = [...others, saved].sort((one, other) => one.atMs - other.atMs);
      return true;
    } catch (error) {
      this.#toasts.fail(error, failed);
      return false;
    }
  }
}
