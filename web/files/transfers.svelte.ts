import { shownName } from '../../protocol/records/shown-name.ts';
import { toProtocolError } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { FileView, TransferView } from '../../workers/api.ts';
import type { Toasts } from '../state/toasts.svelte.ts';
import type { Vault } from '../state/vault.svelte.ts';
import { chunksOf } from './chunk-stream.ts';
import { openSaveTarget } from './save-target.ts';

export interface Download {
  readonly fileUid: Uid;
  readonly size: number;
  readonly done: number;
}

/** What is on its way, up and down, whichever page is shown. */
export class Transfers {
  /** Uploads that are not done, of every record. */
  uploads = $state.raw<readonly TransferView[]>([]);
  downloads = $state.raw<readonly Download[]>([]);
  readonly #vault: Vault;
  readonly #toasts: Toasts;
  /** Files that were picked on this visit: an upload that locking stopped goes on by itself. */
  readonly #picked: { [sign: string]: File } = {};
  readonly #stops: { [fileUid: Uid]: AbortController } = {};
  #watching: Promise<void> | null = null;

  constructor(vault: Vault, toasts: Toasts) {
    this.#vault = vault;
    this.#toasts = toasts;
    window.addEventListener('beforeunload', this.#onLeave);
  }

  close(): void {
    window.removeEventListener('beforeunload', this.#onLeave);
    for (const stop of Object.values(this.#stops)) stop.abort();
  }

  /** Follows the worker's uploads; asked for as often as one likes. */
  watch(): void {
    this.#watching ??= this.#vault.verbs.watchTransfers((uploads) => this.#follow(uploads));
    this.#watching.catch((error: unknown) => this.#toasts.fail(error, 'Uploads cannot be shown'));
  }

  uploadsOf(recordUid: Uid): readonly TransferView[] {
    return this.uploads.filter((upload) => upload.recordUid === recordUid);
  }

  async attach(recordUid: Uid, files: readonly File[]): Promise<void> {
    for (const file of files) this.#picked[signOf(file.size, file.lastModified)] = file;
    try {
      await this.#vault.verbs.attachFiles({ recordUid, files });
      for (const file of files) delete this.#picked[signOf(file.size, file.lastModified)];
    } catch (error) {
      this.#say(error, 'Not attached');
    }
  }

  async resume(fileUid: Uid, file?: File): Promise<void> {
    try {
      await this.#vault.verbs.resumeTransfer(file === undefined ? { fileUid } : { fileUid, file });
    } catch (error) {
      this.#say(error, 'The upload does not go on');
    }
  }

  async cancel(fileUid: Uid): Promise<void> {
    const upload = this.uploads.find((one) => one.fileUid === fileUid);
    if (upload) delete this.#picked[signOf(upload.size, upload.modifiedAt)];
    try {
      await this.#vault.verbs.cancelTransfer(fileUid);
    } catch (error) {
      this.#say(error, 'Not cancelled');
    }
  }

  /** Saves a file. Call it in the handler of a press. */
  async download(recordUid: Uid, file: FileView): Promise<void> {
    if (this.#stops[file.fileUid]) return;
    const stop = new AbortController();
    this.#stops[file.fileUid] = stop;
    try {
      const target = await openSaveTarget(file);
      this.#progress(file, 0);
      await this.#save({ recordUid, file, signal: stop.signal }, target);
    } catch (error) {
      this.#say(error, `${shownName(file.name)} was not saved`);
    } finally {
      delete this.#stops[file.fileUid];
      this.downloads = this.downloads.filter(({ fileUid }) => fileUid !== file.fileUid);
    }
  }

  stopDownload(fileUid: Uid): void {
    this.#stops[fileUid]?.abort();
  }

  async #save(
    source: { recordUid: Uid; file: FileView; signal: AbortSignal },
    target: Awaited<ReturnType<typeof openSaveTarget>>,
  ): Promise<void> {
    let done = 0;
    try {
      for await (const chunk of chunksOf({ ...source, verbs: this.#vault.verbs })) {
        await target.write(chunk);
        done += chunk.length;
        this.#progress(source.file, done);
      }
      await target.finish();
    } catch (error) {
      await target.drop().catch(() => undefined); // the first failure is the one to be told
      throw error;
    }
  }

  #progress({ fileUid, size }: FileView, done: number): void {
    const others = this.downloads.filter((one) => one.fileUid !== fileUid);
    this.downloads = [...others, { fileUid, size, done }];
  }

  #follow(uploads: readonly TransferView[]): void {
    const known = this.uploads.map(({ fileUid }) => fileUid);
    this.uploads = uploads;
    for (const upload of uploads) {
      const file = this.#picked[signOf(upload.size, upload.modifiedAt)];
      if (upload.state === 'file-needed' && file && !known.includes(upload.fileUid))
        void this.resume(upload.fileUid, file);
    }
  }

  /** What a person stopped, or locking did, is no failure. */
  #say(error: unknown, what: string): void {
    const known = toProtocolError(error);
    if (known?.code === 'cancelled' || known?.code === 'locked') return;
    if (known?.code === 'limit-reached' || known?.code === 'conflict')
      this.#toasts.say({ title: what, detail: sentence(known.message), tone: 'danger' });
    else this.#toasts.fail(error, what);
  }

  /** Leaving now would stop an upload that is not whole. */
  readonly #onLeave = (event: BeforeUnloadEvent): void => {
    const busy = this.uploads.some(({ state }) => state !== 'stopped' && state !== 'file-needed');
    if (busy || this.downloads.length > 0) event.preventDefault();
  };
}

function signOf(size: number, modifiedAt: number): string {
  return `${size}/${modifiedAt}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
