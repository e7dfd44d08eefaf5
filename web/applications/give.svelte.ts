import type { Uid } from '../../protocol/uid.ts';
import type { FolderView, RecordSummary, ShareToApplication, VaultVerbs } from '../../workers/api.ts';
import { LatestWins } from '../state/latest-wins.ts';

type Verbs = Pick<VaultVerbs, 'queryRecords' | 'listPlaces'>;

/** Something that may be given to an application. */
export interface Gift {
  readonly uid: Uid;
  readonly kind: 'record' | 'folder';
  readonly title: string;
  readonly detail: string;
  /** Of a record. */
  readonly recordType: string | null;
}

/** More are found by typing. */
const most = 50;

/** The records and shared folders of the vault, found by words, and what was chosen of them. */
export class GiftSearch {
  query = $state('');
  chosen = $state.raw<readonly Gift[]>([]);
  failure = $state.raw<unknown>(null);
  /** Null before the first answer. */
  found = $state.raw<readonly Gift[] | null>(null);
  /** Records that fit and are not shown. */
  more = $state(0);
  readonly #latest: LatestWins<string, readonly [readonly Gift[], number]>;

  /** `fits`: whether that may be given, by what the application has already and by its type. */
  constructor(verbs: Verbs, fits: (gift: Gift) => boolean) {
    this.#latest = new LatestWins(
      (words) => search(verbs, words, fits),
      ([found, more]) => Object.assign(this, { found, more, failure: null }),
      (failure) => (this.failure = failure),
    );
  }

  /** What was found, and before it what was chosen and is not among that: nothing moves under who chooses. */
  get shown(): readonly Gift[] {
    const found = this.found ?? [];
    return [...this.chosen.filter(({ uid }) => !found.some((gift) => gift.uid === uid)), ...found];
  }

  /** Asks anew, by what is typed now. */
  refresh(): void {
    this.#latest.request(this.query.trim());
  }

  has(uid: Uid): boolean {
    return this.chosen.some((gift) => gift.uid === uid);
  }

  choose(gift: Gift, taken: boolean): void {
    const others = this.chosen.filter(({ uid }) => uid !== gift.uid);
    this.chosen = taken ? [...others, gift] : others;
  }

  get objects(): ShareToApplication['objects'] {
    return this.chosen.map(({ uid, kind }) => ({ uid, kind }));
  }
}

async function search(
  verbs: Verbs,
  words: string,
  fits: (gift: Gift) => boolean,
): Promise<readonly [readonly Gift[], number]> {
  const [{ rows, total }, { folders }] = await Promise.all([
    verbs.queryRecords({
      filter: words === '' ? {} : { query: words },
      sort: { by: words === '' ? 'title' : 'relevance', descending: false },
      ...{ offset: 0, limit: most },
    }),
    verbs.listPlaces(),
  ]);
  const shared = folders.filter((folder) => mayGiveFolder(folder) && named(folder, words));
  const records = rows.filter(({ access }) => access !== 'launch');
  return [[...shared.map(folderGift), ...records.map(recordGift)].filter(fits), total - rows.length];
}

/** An application sees whole shared folders; who manages one may give it. */
function mayGiveFolder({ kind, manageRecords }: FolderView): boolean {
  return kind === 'shared' && manageRecords;
}

function named({ name }: FolderView, words: string): boolean {
  return words
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => name.toLocaleLowerCase().includes(word));
}

function folderGift({ uid, name }: FolderView): Gift {
  return { uid, kind: 'folder', title: name, detail: 'Shared folder', recordType: null };
}

function recordGift({ uid, title, subtitle, type }: RecordSummary): Gift {
  return {
    ...{ uid, kind: 'record', title: title || 'Untitled', recordType: type },
    detail: subtitle === title ? '' : subtitle,
  };
}
