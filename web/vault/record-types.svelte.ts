import {
  recordTemplates,
  templateOf as templateAmong,
  type RecordTemplate,
} from '../../protocol/records/templates.ts';
import type { VaultVerbs } from '../../workers/api.ts';
import { LatestWins } from '../state/latest-wins.ts';

/** The types of this version that a person makes by hand, in the order they are offered. */
const builtIn: readonly RecordTemplate[] = recordTemplates.filter(({ internal }) => internal !== true);

export interface TypeGroup {
  readonly title: string;
  readonly types: readonly RecordTemplate[];
}

/** The record types that there are: those of this version, and those that an administrator made. */
export class RecordTypes {
  /** False until it is known what the administrators made. */
  known = $state(false);
  #custom = $state.raw<readonly RecordTemplate[]>([]);
  readonly listed: readonly RecordTemplate[] = $derived([...builtIn, ...this.#custom]);
  readonly groups: readonly TypeGroup[] = $derived(
    [
      { title: 'Access', types: builtIn.filter(({ type }) => type.startsWith('pam')) },
      { title: 'Everyday', types: builtIn.filter(({ type }) => !type.startsWith('pam')) },
      { title: 'Your organisation', types: this.#custom },
    ].filter(({ types }) => types.length > 0),
  );
  readonly #latest: LatestWins<null, readonly RecordTemplate[]>;

  constructor(verbs: VaultVerbs, fail: (error: unknown) => void) {
    this.#latest = new LatestWins(
      () => verbs.customTypes(),
      (custom) => {
        this.#custom = custom;
        this.known = true;
      },
      (error) => {
        this.known = true;
        fail(error);
      },
    );
  }

  /** Asks again; call it in an effect that reads `organisationVersion`. */
  refresh(): void {
    this.#latest.request(null);
  }

  templateOf(type: string): RecordTemplate | null {
    return templateAmong(type, this.#custom);
  }

  /** What a person calls the type, also one that an administrator has removed since. */
  titleOf(type: string): string {
    return this.templateOf(type)?.title ?? wordsOf(type);
  }
}

/** "custom:visitor-badge" is a "Visitor badge". */
function wordsOf(type: string): string {
  if (!type.startsWith('custom:')) return type;
  const words = type.slice('custom:'.length).replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
