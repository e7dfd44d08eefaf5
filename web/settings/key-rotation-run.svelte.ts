import { toProtocolError } from '../../protocol/errors.ts';
import type {
  KeyRotationPreview,
  KeyRotationProgress,
  KeyRotationVerbs,
  SignInStep,
  AccountVerbs,
} from '../../workers/api.ts';

type Verbs = KeyRotationVerbs & Pick<AccountVerbs, 'draftRecoveryPhrase' | 'discardRecoveryPhrase'>;
type Stage = 'looking' | 'preview' | 'phrase' | 'check' | 'password' | 'running' | 'done';

const noProgress: KeyRotationProgress = { step: 'checking', done: 0, of: 1 };

/** One rotation of the account's keys as a person goes through it: look, write down, prove, wait. */
export class KeyRotationRun {
  readonly #verbs: Verbs;
  stage = $state<Stage>('looking');
  preview = $state.raw<KeyRotationPreview | null>(null);
  words = $state.raw<readonly string[]>([]);
  progress = $state.raw<KeyRotationProgress>(noProgress);
  failure = $state.raw<unknown>(null);
  cancellable = $derived(this.progress.step === 'checking' || this.progress.step === 'sealing');
  closable = $derived(this.stage !== 'running');
  describes = $derived(
    this.stage === 'preview'
      ? 'Look through to whom everything is sealed anew, and whether you know their keys.'
      : '',
  );
  says = $derived(saysOf(this.progress));

  constructor(verbs: Verbs) {
    this.#verbs = verbs;
  }

  /** Asks who has what, from the start. */
  async look(): Promise<void> {
    this.stage = 'looking';
    try {
      this.preview = await this.#verbs.previewKeyRotation();
      this.stage = 'preview';
    } catch (error) {
      this.failure = error;
    }
  }

  async begin(): Promise<void> {
    this.failure = null;
    try {
      this.words = (await this.#verbs.draftRecoveryPhrase()).split(' ');
      this.stage = 'phrase';
    } catch (error) {
      this.failure = error;
    }
  }

  back(): void {
    this.stage = 'preview';
  }

  check(): void {
    this.stage = 'check';
  }

  showWords(): void {
    this.stage = 'phrase';
  }

  ask(): void {
    this.stage = 'password';
  }

  /** What the login still needs, or null when it failed; what was shown and is another one now is shown again. */
  async rotate(password: string): Promise<SignInStep | null> {
    if (!this.preview) return null;
    this.failure = null;
    this.stage = 'running';
    this.progress = noProgress;
    const { previewUid } = this.preview;
    try {
      const step = await this.#verbs.rotateKeys(
        { previewUid, password },
        (progress) => (this.progress = progress),
      );
      if (step.kind === 'done') this.done();
      else this.stage = 'password';
      return step;
    } catch (error) {
      await this.#failed(error);
      return null;
    }
  }

  done(): void {
    this.words = [];
    this.stage = 'done';
  }

  async cancel(): Promise<void> {
    await this.#verbs.cancelKeyRotation();
  }

  /** The drafted phrase is of no use without its rotation. */
  discard(): void {
    this.words = [];
    if (this.stage !== 'done') void this.#verbs.discardRecoveryPhrase();
  }

  async #failed(error: unknown): Promise<void> {
    const code = toProtocolError(error)?.code;
    if (code === 'wrong-password') this.stage = 'password';
    else await this.look();
    if (code !== 'cancelled') this.failure = error;
  }
}

function saysOf({ step, done, of }: KeyRotationProgress): string {
  switch (step) {
    case 'checking':
      return 'Checking that nothing changed since you looked…';
    case 'sealing':
      return `Sealing under the new keys: ${done} of ${of}`;
    case 'finishing':
      return 'Putting everything in its place on the server…';
    case 'opening':
      return 'Opening the vault under its new keys…';
  }
}
