import { concat, type Bytes } from '../../../protocol/bytes.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import { mostInMemory, type SaveTarget } from '../../files/save-target.ts';
import { fileFailureOf, MachineFileFailure, type MachineFileCode } from './file-failures.ts';
import type { MachineFiles } from './machine-files.ts';

/** `exists`: it waits for a word whether what is there is replaced. */
export type TransferState = 'waiting' | 'running' | 'done' | 'failed' | 'exists';

export interface TransferPlace {
  /** The folder on the machine, and the file in it. */
  readonly folder: Bytes;
  readonly path: Bytes;
  /** To be shown. */
  readonly text: string;
}

/** Broken off, and what came is still there: it can go on. */
const resumable: ReadonlySet<MachineFileCode> = new Set(['connection-lost', 'unavailable', 'sftp-silent']);

/** One file on its way, in one direction. */
export abstract class FileTransfer {
  readonly id = crypto.randomUUID();
  readonly folder: Bytes;
  readonly path: Bytes;
  readonly text: string;
  abstract readonly direction: 'up' | 'down';
  state = $state<TransferState>('waiting');
  failure = $state.raw<MachineFileCode | null>(null);
  done = $state(0);
  size = $state(0);
  #stop = new AbortController();

  constructor({ folder, path, text }: TransferPlace, size: number) {
    this.folder = folder;
    this.path = path;
    this.text = text;
    this.size = size;
  }

  /** Of it nothing is under way any more. */
  get over(): boolean {
    return this.state === 'done' || this.state === 'failed';
  }

  get goesOn(): boolean {
    return this.failure !== null && resumable.has(this.failure);
  }

  /** One try, from where the last one broke off. Never throws. */
  async run(files: MachineFiles): Promise<void> {
    this.#stop = new AbortController();
    const resumes = this.goesOn;
    this.failure = null;
    this.state = 'running';
    try {
      await this.move(files, this.#stop.signal, resumes);
      this.state = 'done';
    } catch (error) {
      const code = fileFailureOf(
        error,
        toProtocolError(error)?.code === 'cancelled' ? 'cancelled' : 'not-saved',
      );
      this.failure = code;
      this.state = code === 'exists' ? 'exists' : 'failed';
      if (!this.goesOn) await this.forget(resumes ? files : null);
    }
  }

  /** Nothing of it is to stay, at either end; `files` null: the machine is out of reach. It is over at once, or when its try is. */
  async cancel(files: MachineFiles | null): Promise<void> {
    const running = this.state === 'running';
    this.#stop.abort();
    if (running) return;
    const broken = this.goesOn;
    this.failure = 'cancelled';
    this.state = 'failed';
    await this.forget(broken ? files : null);
  }

  protected abstract move(files: MachineFiles, signal: AbortSignal, resume: boolean): Promise<void>;

  /** What was kept to go on is let go; with `files` also what an earlier try may have left on the machine. */
  protected abstract forget(files: MachineFiles | null): Promise<void>;
}

export class Upload extends FileTransfer {
  readonly direction = 'up';
  readonly #source: File;
  #transfer = crypto.getRandomValues(new Uint8Array(16));
  #replace = false;

  constructor(place: TransferPlace, source: File) {
    super(place, source.size);
    this.#source = source;
  }

  /** The person said that what is there goes. */
  allowReplacing(): void {
    this.#replace = true;
  }

  protected async move(files: MachineFiles, signal: AbortSignal, resume: boolean): Promise<void> {
    const progress = (done: number) => (this.done = done);
    const order = { path: this.path, transfer: this.#transfer, source: this.#source, replace: this.#replace };
    await files.upload({ ...order, resume, progress, signal });
  }

  protected async forget(files: MachineFiles | null): Promise<void> {
    const transfer = this.#transfer;
    this.#transfer = crypto.getRandomValues(new Uint8Array(16));
    this.done = 0;
    const nobodyStops = new AbortController().signal;
    await files?.dropUpload(this.path, transfer, nobodyStops).catch(() => undefined); // it stays, under its own name
  }
}

/** Handed to the disk at a time: a write of a few KiB costs as much. */
const batchLength = 256 * 1024;

export class Download extends FileTransfer {
  readonly direction = 'down';
  readonly #openTarget: (size: number) => Promise<SaveTarget>;
  #target: SaveTarget | null;
  #opened: { readonly size: number; readonly modified: number } | null = null;
  /** Of the file, what the target has. */
  #saved = 0;

  /** `openTarget`: asks anew, for another try. */
  constructor(
    place: TransferPlace,
    size: number,
    target: SaveTarget,
    openTarget: (size: number) => Promise<SaveTarget>,
  ) {
    super(place, size);
    this.#target = target;
    this.#openTarget = openTarget;
  }

  protected async move(files: MachineFiles, signal: AbortSignal): Promise<void> {
    const target = (this.#target ??= await this.#openTarget(this.size));
    const batch = new Batch(target);
    await files
      .download({
        ...{ path: this.path, offset: this.#saved, signal },
        opened: (file) => this.#begin(file),
        take: async (bytes) => {
          await batch.add(bytes);
          this.done = this.#saved + batch.length;
        },
      })
      .finally(async () => {
        await batch.flush();
        this.#saved += batch.length;
      });
    await target.finish();
    this.#target = null;
  }

  protected async forget(): Promise<void> {
    const target = this.#target;
    this.#target = null;
    this.#opened = null;
    this.#saved = 0;
    this.done = 0;
    await target?.drop().catch(() => undefined); // the first failure is the one to be told
  }

  #begin(file: { readonly size: number; readonly modified: number }): void {
    const { size, modified } = this.#opened ?? file;
    // What was to be held in memory, and has grown too large for that, has no fitting place: the next try asks for one.
    const outgrown = this.size <= mostInMemory && file.size > mostInMemory;
    this.size = file.size;
    if (outgrown || size !== file.size || modified !== file.modified)
      throw new MachineFileFailure('file-changed');
    this.#opened = file;
  }
}

/** Gathers bytes for the disk. One write is under way at a time, so that memory stays bounded. */
class Batch {
  readonly #target: SaveTarget;
  #parts: Uint8Array[] = [];
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();
  /** Bytes added. */
  length = 0;

  constructor(target: SaveTarget) {
    this.#target = target;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes);
    this.#waiting += bytes.length;
    this.length += bytes.length;
    if (this.#waiting < batchLength) return;
    await this.#writing;
    this.#write();
  }

  async flush(): Promise<void> {
    await this.#writing;
    if (this.#waiting > 0) this.#write();
    await this.#writing;
  }

  #write(): void {
    const bytes = concat(...this.#parts);
    this.#parts = [];
    this.#waiting = 0;
    this.#writing = this.#target.write(bytes);
    this.#writing.catch(() => undefined); // told to whoever writes next
  }
}
