import type { FolderView, VaultPlaces, VaultVerbs } from '../../../workers/api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { LatestWins } from '../../state/latest-wins.ts';

const none: VaultPlaces = {
  folders: [],
  tags: [],
  types: [],
  counts: { all: 0, favourites: 0, withMe: 0, trash: 0 },
};

/** A folder with what is below it. */
export interface FolderNode {
  readonly folder: FolderView;
  readonly depth: number;
  readonly children: readonly FolderNode[];
}

/** The folders, tags and counts of the sidebar. */
export class Places {
  current = $state.raw<VaultPlaces>(none);
  failure = $state.raw<unknown>(null);
  readonly tree = $derived(treeOf(this.current.folders));
  readonly #latest: LatestWins<null, VaultPlaces>;

  constructor(verbs: VaultVerbs) {
    this.#latest = new LatestWins(
      () => verbs.listPlaces(),
      (places) => {
        this.current = places;
        this.failure = null;
      },
      (error) => (this.failure = error),
    );
  }

  refresh(): void {
    this.#latest.request(null);
  }

  folder(uid: Uid): FolderView | null {
    return this.current.folders.find((folder) => folder.uid === uid) ?? null;
  }

  /** "Clients / Acme / Servers". */
  pathOf(uid: Uid): string {
    const folder = this.folder(uid);
    if (folder === null) return '';
    const above = folder.parentUid === null ? '' : this.pathOf(folder.parentUid);
    return above === '' ? folder.name : `${above} / ${folder.name}`;
  }
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** A folder whose parent is not there is at the top; one that is in itself is left out by the worker. */
function treeOf(folders: readonly FolderView[]): FolderNode[] {
  const known = new Set(folders.map(({ uid }) => uid));
  const below = Map.groupBy(folders, ({ parentUid }) =>
    parentUid !== null && known.has(parentUid) ? parentUid : null,
  );
  const nodes = (parentUid: Uid | null, depth: number): FolderNode[] =>
    [...(below.get(parentUid) ?? [])]
      .sort((a, b) => byName.compare(a.name, b.name))
      .map((folder) => ({ folder, depth, children: nodes(folder.uid, depth + 1) }));
  return nodes(null, 0);
}
