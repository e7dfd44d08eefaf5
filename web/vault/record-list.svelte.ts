import type { RecordSummary, VaultVerbs } from '../../workers/api.ts';
import { LatestWins } from '../state/latest-wins.ts';

interface Question {
  readonly query: string;
  readonly type: string;
}

/** What the list shows: the worker's answer to the newest search. */
export class RecordList {
  query = $state('');
  type = $state('');
  items = $state.raw<readonly RecordSummary[]>([]);
  /** The search that `items` answers; null before the first answer. */
  answered = $state.raw<Question | null>(null);
  failure = $state.raw<unknown>(null);
  readonly #latest: LatestWins<Question, RecordSummary[]>;

  constructor(verbs: VaultVerbs) {
    this.#latest = new LatestWins(
      ({ query, type }) => verbs.listRecords({ query, ...(type === '' ? {} : { types: [type] }) }),
      (items, question) => {
        this.items = items;
        this.answered = question;
        this.failure = null;
      },
      (error) => (this.failure = error),
    );
  }

  /** Asks again; call it in an effect that reads what the answer depends on. */
  refresh(): void {
    this.#latest.request({ query: this.query.trim(), type: this.type });
  }
}
