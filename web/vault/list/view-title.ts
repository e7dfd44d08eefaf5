import type { VaultView } from '../../state/place.ts';
import type { Places } from '../organising/places.svelte.ts';

/** What a list is called. */
export function viewTitle(view: VaultView, places: Places): string {
  switch (view.kind) {
    case 'all':
      return 'All records';
    case 'favourites':
      return 'Favourites';
    case 'with-me':
      return 'Shared with me';
    case 'trash':
      return 'Trash';
    case 'tag':
      return `#${view.tag}`;
    case 'folder':
      return places.pathOf(view.folderUid) || 'Folder';
  }
}
