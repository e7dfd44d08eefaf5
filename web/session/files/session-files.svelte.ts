import type { Bytes } from '../../../protocol/bytes.ts';
import { joinRemotePath } from '../../../protocol/channel/remote-path.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import { openSaveTarget } from '../../files/save-target.ts';
import { describeFileFailure, fileFailureOf, type MachineFileCode } from './file-failures.ts';
import { Download, Upload, type FileTransfer } from './file-transfer.svelte.ts';
import { FolderView, type ShownFile } from './folder-view.svelte.ts';
import type { MachineFiles } from './machine-files.ts';

/** What the gateway lets a session have of its machine's files. */
export interface FileAccess {
  readonly files: MachineFiles;
  readonly upload: boolean;
  readonly download: boolean;
  /** The name of the drive that they are on; empty: they are the machine's own. */
  readonly drive: string;
}

/** Transfers of one session that run at once; others wait. */
const mostRunning = 3;

/** The files of one session: the folder that is shown, and what is on its way. Both outlive a session that breaks off. */
export class SessionFiles {
  /** null while there is no session. */
  access = $state.raw<FileAccess | null>(null);
  shown = $state(false);
  transfers = $state.raw<readonly FileTransfer[]>([]);
  /** The name of the drive that they are on; kept with what was on its way. Empty: they are the machine's own. */
  drive = $state('');
  #offered: FileAccess | null = null;
  readonly folder = new FolderView(() => this.access?.files ?? null);
  readonly mayUpload = $derived(this.access?.upload === true);
  readonly mayDownload = $derived(this.access?.download === true);

  /** Transfers that run or wait. */
  readonly underWay = $derived(
    this.transfers.filter(({ state }) => state === 'running' || state === 'waiting').length,
  );

  get busy(): boolean {
    return this.underWay > 0;
  }

  /** The session's shell is about to be there. */
  offer(access: FileAccess): void {
    this.#offered = access;
    this.drive = access.drive;
  }

  /** The session is open. */
  begin(): void {
    this.access = this.#offered;
    if (this.shown) void this.folder.reload();
    this.#next(); // those whose turn had not come when the last one was lost
  }

  /** What went wrong, in words. */
  explain(code: MachineFileCode): string {
    return describeFileFailure(code, this.drive !== '');
  }

  toggle(): void {
    this.shown = !this.shown;
    if (this.shown && this.folder.path === null) void this.folder.go(null);
  }

  /** The session is over. */
  lose(): void {
    this.access = null;
    this.#offered = null;
    this.folder.close();
  }

  /** Nobody looks at it any more: nothing of what is not whole is to stay. */
  close(): void {
    for (const transfer of this.transfers) void transfer.cancel(this.access?.files ?? null);
    this.lose();
  }

  /** Into the folder that is shown. */
  async upload(chosen: readonly File[]): Promise<void> {
    if (this.folder.path === null) await this.folder.go(null);
    const folder = this.folder.path;
    if (folder === null) return;
    const uploads = chosen.map((file) => {
      const path = joinRemotePath(folder, new TextEncoder().encode(file.name));
      return new Upload({ folder, path, text: file.name }, file);
    });
    this.transfers = [...this.transfers, ...uploads];
    this.#next();
  }

  /** Call it in the handler of a press: a browser asks for a place only then. */
  async download(file: ShownFile): Promise<void> {
    const { path: folder } = this.folder;
    if (folder === null) return;
    const open = (size: number) => openSaveTarget({ name: file.text, size });
    const target = await open(file.size).catch((error: unknown) => {
      if (toProtocolError(error)?.code === 'cancelled') return null;
      throw error;
    });
    if (target === null) return;
    const place = { folder, path: this.folder.pathOf(file.name), text: file.text };
    this.transfers = [...this.transfers, new Download(place, file.size, target, open)];
    this.#next();
  }

  retry(transfer: FileTransfer): void {
    transfer.state = 'waiting';
    this.#next();
  }

  replace(transfer: FileTransfer): void {
    if (transfer instanceof Upload) transfer.allowReplacing();
    this.retry(transfer);
  }

  async cancel(transfer: FileTransfer): Promise<void> {
    const tidied = transfer.cancel(this.access?.files ?? null);
    if (transfer.over) this.dismiss(transfer);
    await tidied;
  }

  dismiss(transfer: FileTransfer): void {
    this.transfers = this.transfers.filter((one) => one !== transfer);
  }

  clear(): void {
    this.transfers = this.transfers.filter(({ state }) => state !== 'done');
  }

  /** null when it is done; else why not. */
  async makeFolder(name: string): Promise<MachineFileCode | null> {
    const bytes = new TextEncoder().encode(name);
    return await this.#change(bytes, (files, signal) => files.makeFolder(this.folder.pathOf(bytes), signal));
  }

  async rename(file: ShownFile, name: string): Promise<MachineFileCode | null> {
    const bytes: Bytes = new TextEncoder().encode(name);
    const path = this.folder.pathOf(file.name);
    return await this.#change(bytes, (files, signal) => files.rename(path, bytes, signal));
  }

  async remove(file: ShownFile): Promise<MachineFileCode | null> {
    const path = this.folder.pathOf(file.name);
    const folder = file.kind === 'folder' && !file.link;
    return await this.#change(null, (files, signal) => files.remove(path, folder, signal));
  }

  /** `choose`: the name that is chosen then. */
  async #change(
    choose: Bytes | null,
    change: (files: MachineFiles, signal: AbortSignal) => Promise<void>,
  ): Promise<MachineFileCode | null> {
    const files = this.access?.files;
    if (files === undefined) return 'unavailable';
    try {
      await change(files, new AbortController().signal);
      await this.folder.go(this.folder.path, choose);
      return null;
    } catch (error) {
      return fileFailureOf(error, 'unavailable');
    }
  }

  #next(): void {
    const files = this.access?.files;
    if (files === undefined) return;
    const running = this.transfers.filter(({ state }) => state === 'running').length;
    const waiting = this.transfers.filter(({ state }) => state === 'waiting');
    for (const transfer of waiting.slice(0, Math.max(0, mostRunning - running)))
      void this.#run(transfer, files);
  }

  async #run(transfer: FileTransfer, files: MachineFiles): Promise<void> {
    await transfer.run(files);
    this.#next();
    if (transfer.failure === 'cancelled') this.dismiss(transfer);
    const here =
      transfer.direction === 'up' && transfer.state === 'done' && this.folder.shows(transfer.folder);
    if (here) await this.folder.reload();
  }
}
