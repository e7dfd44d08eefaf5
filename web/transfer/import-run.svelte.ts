import { toProtocolError } from '../../protocol/errors.ts';
import type {
  CsvMapping,
  DetectedImport,
  ImportPreview,
  ImportResult,
  VaultVerbs,
} from '../../workers/api.ts';
import type { Uid } from '../../protocol/uid.ts';

export type ImportStep = 'choose' | 'password' | 'columns' | 'preview' | 'running' | 'done';

/** One import, from choosing a file to its report. The file stays in this object and nowhere else on the page. */
export class ImportRun {
  step = $state<ImportStep>('choose');
  busy = $state(false);
  failure = $state.raw<unknown>(null);
  wrongPassword = $state(false);
  fileName = $state('');
  detected = $state.raw<DetectedImport | null>(null);
  mapping = $state.raw<CsvMapping | null>(null);
  preview = $state.raw<ImportPreview | null>(null);
  result = $state.raw<ImportResult | null>(null);
  progress = $state.raw<{ readonly done: number; readonly of: number } | null>(null);
  #bytes: Uint8Array<ArrayBuffer> | null = null;
  readonly #verbs: VaultVerbs;

  constructor(verbs: VaultVerbs) {
    this.#verbs = verbs;
  }

  async choose(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    await this.reset();
    await this.#do(async () => {
      this.fileName = file.name;
      this.#bytes = new Uint8Array(await file.arrayBuffer());
      this.detected = await this.#verbs.detectImport({ name: file.name, bytes: this.#bytes });
      this.mapping = this.detected?.table?.mapping ?? null;
      if (this.detected === null) return;
      if (this.detected.needsPassword) this.step = 'password';
      else if (this.detected.table !== null) this.step = 'columns';
      else await this.#look();
    });
  }

  /** Whether a file was chosen that nothing here can read. */
  get unknown(): boolean {
    return this.fileName !== '' && this.detected === null && !this.busy && this.failure === null;
  }

  async look(password?: string): Promise<void> {
    await this.#do(() => this.#look(password));
  }

  async run(folderUid: Uid | null, skipKnown: boolean): Promise<void> {
    const { preview } = this;
    if (preview === null) return;
    this.step = 'running';
    await this.#do(async () => {
      const { previewUid } = preview;
      this.result = await this.#verbs.runImport({ previewUid, folderUid, skipKnown }, (done, of) => {
        this.progress = { done, of };
      });
      this.step = 'done';
    });
    if (this.failure !== null) this.step = 'preview';
    this.progress = null;
  }

  async cancel(): Promise<void> {
    await this.#verbs.cancelExchange();
  }

  /** Forgets the file and what was read of it. */
  async reset(): Promise<void> {
    const { preview } = this;
    this.#bytes = null;
    this.fileName = '';
    this.detected = this.mapping = this.preview = this.result = null;
    this.failure = null;
    this.wrongPassword = false;
    this.step = 'choose';
    if (preview !== null) await this.#verbs.discardImport(preview.previewUid).catch(() => undefined); // gone already
  }

  async #look(password?: string): Promise<void> {
    const { detected, mapping } = this;
    if (detected === null || this.#bytes === null) return;
    this.wrongPassword = false;
    try {
      this.preview = await this.#verbs.previewImport({
        format: detected.format,
        bytes: this.#bytes,
        ...(password !== undefined && { password }),
        ...(mapping !== null && { mapping }),
      });
      this.step = 'preview';
    } catch (error) {
      if (toProtocolError(error)?.code !== 'wrong-password') throw error;
      this.wrongPassword = password !== undefined;
      this.step = 'password';
    }
  }

  async #do(task: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.failure = null;
    try {
      await task();
    } catch (error) {
      this.failure = error;
    }
    this.busy = false;
  }
}
