import type { Uid } from '../../protocol/uid.ts';

/** Where the person is; each has an address of its own. */
export type Place =
  | {
      readonly page: 'vault';
      readonly view?: VaultView;
      readonly recordUid: Uid | null;
      readonly editing: boolean;
    }
  | { readonly page: 'new'; readonly type: string }
  | { readonly page: 'session'; readonly tab: string }
  /** All of them, or those of one machine. */
  | { readonly page: 'recordings'; readonly recordUid?: Uid }
  /** All of them, or one. */
  | { readonly page: 'applications'; readonly applicationUid?: Uid }
  /** What happened in sessions: of all machines, or of one. */
  | { readonly page: 'events'; readonly recordUid?: Uid }
  /** Found by words: at that moment of it. */
  | { readonly page: 'recording'; readonly sessionUid: Uid; readonly atMs?: number }
  /** For words in all of them. */
  | { readonly page: 'recording-search' }
  /** How long they are kept. */
  | { readonly page: 'recording-keeping' }
  | { readonly page: PlainPage };

/** Pages that have nothing further in their address. */
export type PlainPage = 'gateways' | 'live' | 'people' | 'health' | 'transfer' | 'settings';

/** Which records the list shows. */
export type VaultView =
  | { readonly kind: 'all' | 'favourites' | 'with-me' | 'trash' }
  | { readonly kind: 'folder'; readonly folderUid: Uid }
  | { readonly kind: 'tag'; readonly tag: string };

export type VaultPlace = Extract<Place, { page: 'vault' }>;

export const allRecords: VaultView = { kind: 'all' };
export const vaultPlace: VaultPlace = { page: 'vault', recordUid: null, editing: false };

const plainPages: ReadonlySet<string> = new Set([
  'gateways',
  'live',
  'people',
  'health',
  'transfer',
  'settings',
]);

/** A record, in the list that it was opened from. */
export function recordPlace(recordUid: Uid | null, view: VaultView = allRecords): VaultPlace {
  return view.kind === 'all' ? { ...vaultPlace, recordUid } : { ...vaultPlace, view, recordUid };
}

/** The list that a place shows. */
export function viewOf(place: Place): VaultView {
  return place.page === 'vault' ? (place.view ?? allRecords) : allRecords;
}

export function isSameView(one: VaultView, other: VaultView): boolean {
  return pathOf(one) === pathOf(other);
}

export function hashOf(place: Place): string {
  switch (place.page) {
    case 'vault': {
      const record = place.recordUid === null ? '' : `/${place.recordUid}`;
      return `#/${pathOf(viewOf(place))}${record}${place.editing ? '/edit' : ''}`;
    }
    case 'new':
      return `#/new/${encodeURIComponent(place.type)}`;
    case 'session':
      return `#/session/${place.tab}`;
    case 'recordings':
      return place.recordUid === undefined ? '#/recordings' : `#/recordings/${place.recordUid}`;
    case 'applications':
      return place.applicationUid === undefined ? '#/applications' : `#/applications/${place.applicationUid}`;
    case 'events':
      return place.recordUid === undefined ? '#/events' : `#/events/${place.recordUid}`;
    case 'recording':
      return `#/recording/${place.sessionUid}${place.atMs === undefined ? '' : `/${place.atMs}`}`;
    case 'recording-search':
      return '#/recordings/search';
    case 'recording-keeping':
      return '#/recordings/keeping';
    default:
      return `#/${place.page}`;
  }
}

/** Anything that is no place leads to the vault. */
export function parsePlace(hash: string): Place {
  const [page = '', ...rest] = hash.replace(/^#\//, '').split('/');
  const [name] = rest;
  if (isPlainPage(page)) return { page };
  if (page === 'new' && name) return { page, type: decoded(name) };
  if (page === 'session' && name) return { page, tab: name };
  if (page === 'recordings' && name === 'search') return { page: 'recording-search' };
  if (page === 'recordings' && name === 'keeping') return { page: 'recording-keeping' };
  if (page === 'applications') return isUid(name) ? { page, applicationUid: name } : { page };
  if (page === 'events') return isUid(name) ? { page, recordUid: name } : { page };
  if (page === 'recordings') return isUid(name) ? { page, recordUid: name } : { page };
  if (page === 'recording' && isUid(name)) return recordingPlace(name, rest[1]);
  if ((page === 'folder' || page === 'tag') && name) {
    const view = viewNamed(page, name);
    return view === null ? vaultPlace : vaultPlaceOf(view, rest.slice(1));
  }
  const kind = kinds[page];
  return kind === undefined ? vaultPlace : vaultPlaceOf({ kind }, rest);
}

const paths = { all: 'vault', favourites: 'favourites', 'with-me': 'shared', trash: 'trash' } as const;
const kinds: Readonly<Record<string, keyof typeof paths>> = {
  vault: 'all',
  favourites: 'favourites',
  shared: 'with-me',
  trash: 'trash',
};

function pathOf(view: VaultView): string {
  switch (view.kind) {
    case 'folder':
      return `folder/${view.folderUid}`;
    case 'tag':
      return `tag/${encodeURIComponent(view.tag.toWellFormed())}`;
    default:
      return paths[view.kind];
  }
}

function recordingPlace(sessionUid: Uid, moment = ''): Place {
  const place = { page: 'recording', sessionUid } as const;
  return /^\d{1,10}$/.test(moment) ? { ...place, atMs: Number(moment) } : place;
}

function viewNamed(page: 'folder' | 'tag', name: string): VaultView | null {
  if (page === 'tag') return { kind: 'tag', tag: decoded(name) };
  return isUid(name) ? { kind: 'folder', folderUid: name } : null;
}

function vaultPlaceOf(view: VaultView, [uid, mode]: readonly string[]): VaultPlace {
  const place = recordPlace(isUid(uid) ? uid : null, view);
  return { ...place, editing: place.recordUid !== null && mode === 'edit' };
}

function isPlainPage(page: string): page is PlainPage {
  return plainPages.has(page);
}

function isUid(text: string | undefined): text is Uid {
  return text !== undefined && /^[\w-]{22}$/.test(text);
}

/** A stray percent sign is no reason to fail. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
