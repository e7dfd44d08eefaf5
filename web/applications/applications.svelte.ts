import { createContext } from 'svelte';
import type { Uid } from '../../protocol/uid.ts';
import type {
  ApplicationChangeView,
  ApplicationShareView,
  ApplicationView,
  VaultVerbs,
} from '../../workers/api.ts';
import { LatestWins } from '../state/latest-wins.ts';

type Verbs = Pick<VaultVerbs, 'listApplications' | 'listApplicationChanges'>;

/** An application that has an object, and how. */
export interface Having {
  readonly application: ApplicationView;
  readonly share: ApplicationShareView;
}

/** The account's applications, and what they did that waits for its person. Lives while the vault is open. */
export class Applications {
  /** Null before the first answer. */
  all = $state.raw<readonly ApplicationView[] | null>(null);
  changes = $state.raw<readonly ApplicationChangeView[]>([]);
  failure = $state.raw<unknown>(null);
  /** Why it is not known what waits. */
  changesFailure = $state.raw<unknown>(null);
  readonly #list: LatestWins<null, readonly ApplicationView[]>;
  readonly #changes: LatestWins<null, readonly ApplicationChangeView[]>;

  constructor(verbs: Verbs) {
    this.#list = new LatestWins<null, readonly ApplicationView[]>(
      () => verbs.listApplications(),
      (all) => Object.assign(this, { all, failure: null }),
      (failure) => (this.failure = failure),
    );
    this.#changes = new LatestWins<null, readonly ApplicationChangeView[]>(
      () => verbs.listApplicationChanges(),
      (changes) => Object.assign(this, { changes, changesFailure: null }),
      (failure) => (this.changesFailure = failure),
    );
  }

  refresh(): void {
    this.#list.request(null);
    this.#changes.request(null);
  }

  /** A change that waits no more goes from the list at once: nobody decides twice about what another answer is on its way for. */
  settled(change: string): void {
    this.changes = this.changes.filter((known) => known.change !== change);
    this.refresh();
  }

  find(uid: Uid): ApplicationView | null {
    return this.all?.find((application) => application.uid === uid) ?? null;
  }

  /** Those that were given that record or shared folder itself. */
  having(objectUid: Uid): readonly Having[] {
    return (this.all ?? []).flatMap((application) => {
      const share = application.shares.find(({ uid }) => uid === objectUid);
      return share === undefined ? [] : [{ application, share }];
    });
  }

  /** What waits of one application, or of all. */
  changesOf(applicationUid: Uid | null): readonly ApplicationChangeView[] {
    return this.changes.filter(
      (change) => applicationUid === null || change.applicationUid === applicationUid,
    );
  }

  /** What waits for a word about that record or folder. */
  changesOn(objectUid: Uid): readonly ApplicationChangeView[] {
    return this.changes.filter((change) => change.objectUid === objectUid);
  }
}

export const [getApplications, setApplications] = createContext<Applications>();
