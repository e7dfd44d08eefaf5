import type { KeepingChoice, RecordingKeepingView, VaultVerbs } from '../../workers/api.ts';

type Verbs = Pick<VaultVerbs, 'readRecordingKeeping' | 'saveRecordingKeeping'>;

/** How recordings are kept, for administrators: read anew after each change. */
export class Keeping {
  /** Null before the first answer. */
  view = $state.raw<RecordingKeepingView | null>(null);
  failure = $state.raw<unknown>(null);
  readonly #verbs: Verbs;

  constructor(verbs: Verbs) {
    this.#verbs = verbs;
  }

  async load(): Promise<void> {
    try {
      this.view = await this.#verbs.readRecordingKeeping(0);
      this.failure = null;
    } catch (error) {
      this.failure = error;
    }
  }

  /** How many recordings would go a week from now with so many days. */
  async wouldGo(days: number): Promise<number> {
    return days === 0 ? 0 : (await this.#verbs.readRecordingKeeping(days)).wouldGo;
  }

  async save(choice: KeepingChoice): Promise<void> {
    await this.#verbs.saveRecordingKeeping(choice);
    await this.load();
  }
}
