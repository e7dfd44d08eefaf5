import { createContext } from 'svelte';
import type { RecordList } from './list/record-list.svelte.ts';
import type { Selection } from './list/selection.svelte.ts';
import type { BulkActions } from './organising/bulk-actions.ts';
import type { FolderActions } from './organising/folder-actions.ts';
import type { FolderTasks } from './organising/folder-tasks.svelte.ts';
import type { Places } from './organising/places.svelte.ts';
import type { RecordTypes } from './record-types.svelte.ts';

/** What the vault's screens share while the vault is open. */
export interface VaultScreens {
  readonly list: RecordList;
  readonly selection: Selection;
  readonly places: Places;
  readonly types: RecordTypes;
  readonly actions: BulkActions;
  readonly folders: FolderActions;
  readonly folderTasks: FolderTasks;
}

export const [getScreens, setScreens] = createContext<VaultScreens>();
