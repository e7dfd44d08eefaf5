import type { FolderView } from '../../../workers/api.ts';
import type { Uid } from '../../../protocol/uid.ts';

export type FolderTask =
  | { readonly kind: 'create'; readonly parentUid: Uid | null }
  /** Records dropped on a shared folder: its members are to be thought of. */
  | { readonly kind: 'add'; readonly folder: FolderView; readonly recordUids: readonly Uid[] }
  | { readonly kind: 'create-shared' }
  | { readonly kind: 'rename' | 'delete' | 'move' | 'share' | 'give'; readonly folder: FolderView };

/** Which dialog about a folder is open. */
export class FolderTasks {
  open = $state.raw<FolderTask | null>(null);

  create(parentUid: Uid | null): void {
    this.open = { kind: 'create', parentUid };
  }

  ask(kind: 'rename' | 'delete' | 'move' | 'share' | 'give', folder: FolderView): void {
    this.open = { kind, folder };
  }

  createShared(): void {
    this.open = { kind: 'create-shared' };
  }

  add(folder: FolderView, recordUids: readonly Uid[]): void {
    this.open = { kind: 'add', folder, recordUids };
  }

  close(): void {
    this.open = null;
  }
}
