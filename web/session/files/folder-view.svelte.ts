import type { Bytes } from '../../../protocol/bytes.ts';
import { joinRemotePath, splitRemotePath } from '../../../protocol/channel/remote-path.ts';
import { fileFailureOf, type MachineFileCode } from './file-failures.ts';
import type { MachineFile, MachineFiles, MachineFolder } from './machine-files.ts';
import { keyOf, textOf } from './name-text.ts';

export interface ShownFile extends MachineFile {
  readonly key: string;
  readonly text: string;
}

export const orders = { name: 'Name', size: 'Largest first', modified: 'Newest first' } as const;
export type FileOrder = keyof typeof orders;

const collator = new Intl.Collator(undefined, { numeric: true });

/** One folder of the machine, as it is shown. */
export class FolderView {
  /** null before the first answer. */
  path = $state.raw<Bytes | null>(null);
  truncated = $state(false);
  loading = $state(false);
  failure = $state.raw<MachineFileCode | null>(null);
  order = $state<FileOrder>('name');
  hidden = $state(false);
  /** The chosen file's key. */
  chosen = $state<string | null>(null);
  #all = $state.raw<readonly ShownFile[]>([]);
  readonly files = $derived(this.#sorted());
  readonly hiddenCount = $derived(this.#all.filter(isHidden).length);
  readonly #files: () => MachineFiles | null;
  #asking = new AbortController();
  /** What is wanted, while it is on its way or after it failed. */
  #wanted: Bytes | null = null;

  constructor(files: () => MachineFiles | null) {
    this.#files = files;
  }

  get file(): ShownFile | null {
    return this.files.find(({ key }) => key === this.chosen) ?? null;
  }

  /** Shows a folder; null: where a login begins. Of two calls the later counts. `choose`: a name in it. */
  async go(path: Bytes | null, choose: Uint8Array | null = null): Promise<void> {
    this.#wanted = path;
    await this.#load(path, choose === null ? null : keyOf(choose));
  }

  /** Once more what is shown. */
  async reload(): Promise<void> {
    await this.#load(this.path, this.chosen);
  }

  /** Once more what could not be shown. */
  async retry(): Promise<void> {
    await this.#load(this.#wanted, null);
  }

  async up(): Promise<void> {
    const parts = this.path === null ? null : splitRemotePath(this.path);
    if (parts !== null) await this.go(parts.folder, parts.name);
  }

  async enter(file: ShownFile): Promise<void> {
    if (file.kind === 'folder') await this.go(this.pathOf(file.name));
  }

  pathOf(name: Uint8Array): Bytes {
    return joinRemotePath(this.path ?? new Uint8Array([0x2f]), name);
  }

  /** Whether that is the folder that is shown. */
  shows(folder: Uint8Array): boolean {
    return this.path !== null && keyOf(this.path) === keyOf(folder);
  }

  close(): void {
    this.#asking.abort();
  }

  async #load(path: Bytes | null, chosen: string | null): Promise<void> {
    this.#asking.abort();
    const asking = (this.#asking = new AbortController());
    const files = this.#files();
    this.loading = true;
    try {
      if (files === null) this.failure = 'unavailable';
      else this.#show(await files.list(path, asking.signal), chosen, asking);
    } catch (error) {
      if (this.#asking === asking) this.failure = fileFailureOf(error, 'unavailable');
    } finally {
      if (this.#asking === asking) this.loading = false;
    }
  }

  #show(folder: MachineFolder, chosen: string | null, asking: AbortController): void {
    if (this.#asking !== asking) return;
    this.#all = folder.files.map((file) => ({ ...file, key: keyOf(file.name), text: textOf(file.name) }));
    this.path = folder.path;
    this.truncated = folder.truncated;
    this.failure = null;
    this.chosen = chosen;
  }

  #sorted(): readonly ShownFile[] {
    const { order, hidden } = this;
    const shown = hidden ? [...this.#all] : this.#all.filter((file) => !isHidden(file));
    return shown.sort(
      (a, b) => compareKinds(a, b) || compareBy(order, a, b) || collator.compare(a.text, b.text),
    );
  }
}

function isHidden({ text }: ShownFile): boolean {
  return text.startsWith('.');
}

/** Folders first. */
function compareKinds(a: ShownFile, b: ShownFile): number {
  return Number(b.kind === 'folder') - Number(a.kind === 'folder');
}

function compareBy(order: FileOrder, a: ShownFile, b: ShownFile): number {
  if (order === 'size') return b.size - a.size;
  return order === 'modified' ? (b.modifiedAt ?? 0) - (a.modifiedAt ?? 0) : 0;
}
