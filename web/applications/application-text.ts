import { shownName } from '../../protocol/records/shown-name.ts';
import type {
  ApplicationChangeView,
  ApplicationClientView,
  ApplicationEventView,
  ApplicationShareView,
  ApplicationView,
  FileLeftOut,
} from '../../workers/api.ts';
import { whenText } from '../components/when.ts';
import { countOf } from '../vault/organising/count-text.ts';

/** "2 records, 1 folder" */
export function sharesText(shares: ApplicationView['shares']): string {
  const of = (kind: ApplicationShareView['kind']) => shares.filter((share) => share.kind === kind).length;
  const parts = [
    of('record') > 0 ? countOf(of('record'), 'record') : '',
    of('folder') > 0 ? countOf(of('folder'), 'folder') : '',
  ].filter(Boolean);
  return parts.length === 0 ? 'Nothing yet' : parts.join(', ');
}

export function lastAccessText(lastAccessAt: number): string {
  return lastAccessAt === 0 ? 'Never used' : `Last used ${whenText(lastAccessAt)}`;
}

export const editableChoices = [
  { value: 'read', label: 'Read only' },
  { value: 'edit', label: 'Read and change' },
] as const;

export function editableText(editable: boolean): string {
  return editableChoices[editable ? 1 : 0].label;
}

/** What a person has to know of something that was given; empty when it is as it should be. */
export function shareStateText({ state, kind, filesLeftOut }: ApplicationShareView): string {
  const lost = kind === 'record' ? 'You may not share this record now' : 'You do not manage this folder now';
  const states = {
    ready: '',
    preparing: 'Being made ready: its devices see it in a moment',
    lost: `${lost}, or it is gone: its devices do not get it`,
  };
  const files = (['too-large', 'no-room'] as const).map((reason) => leftOutText(kind, filesLeftOut, reason));
  return [states[state], ...files].filter(Boolean).join('. ');
}

const whyLeftOut: Readonly<Record<FileLeftOut['reason'], string>> = {
  'too-large': 'applications get files of up to 256 MiB',
  'no-room': 'your files had no room for their copy. Once there is room, save the record again',
};

/** Which files, the first ones by name, and why; in a folder also of which records. */
function leftOutText(
  kind: ApplicationShareView['kind'],
  filesLeftOut: readonly FileLeftOut[],
  reason: FileLeftOut['reason'],
): string {
  const files = filesLeftOut.filter((file) => file.reason === reason);
  if (files.length === 0) return '';
  const named = files.slice(0, 3).map(({ name, recordTitle }) => {
    return kind === 'folder' ? `“${shownName(name)}” of “${shownName(recordTitle)}”` : `“${shownName(name)}”`;
  });
  const more =
    files.length > named.length ? ` and ${countOf(files.length - named.length, 'other file')}` : '';
  return `${named.join(', ')}${more} ${files.length === 1 ? 'is' : 'are'} left out: ${whyLeftOut[reason]}`;
}

type Tone = 'good' | 'caution' | 'danger' | 'off';

/** In words, and as a colour beside them. */
export function deviceStatus(device: ApplicationClientView): { readonly tone: Tone; readonly text: string } {
  switch (device.status) {
    case 'waiting':
      return {
        tone: 'caution',
        text: `Waiting for its first use, until ${whenText(device.tokenExpiresAt)}`,
      };
    case 'token-expired':
      return { tone: 'off', text: 'Its token expired unused: revoke it and add a new device' };
    case 'access-expired':
      return { tone: 'off', text: `Access ended ${whenText(device.accessExpiresAt)}` };
    case 'active':
      return { tone: 'good', text: device.lastAccessAt === 0 ? 'Not used yet' : 'In use' };
  }
}

/** First and last access, from where, by what, under which conditions. */
export function deviceFacts(device: ApplicationClientView): readonly string[] {
  const { firstAccessAt, lastAccessAt, address, accessExpiresAt, lockIp, status } = device;
  const from = address === '' ? '' : ` from ${shownName(address)}`;
  return [
    lastAccessAt === 0 ? '' : `last access ${whenText(lastAccessAt)}${from}`,
    firstAccessAt === 0 ? '' : `first ${whenText(firstAccessAt)}`,
    clientText(device.clientVersion),
    lockIp ? lockText(device) : '',
    accessExpiresAt > 0 && status !== 'access-expired' ? `access until ${whenText(accessExpiresAt)}` : '',
  ].filter(Boolean);
}

function lockText({ address, firstAccessAt }: ApplicationClientView): string {
  return firstAccessAt === 0 || address === ''
    ? 'locked to its first address'
    : `only from ${shownName(address)}`;
}

/** What clients of the protocol call themselves: two letters and a version. */
const products: ReadonlyMap<string, string> = new Map([
  ['ms', 'JavaScript'],
  ['mp', 'Python'],
  ['mj', 'Java'],
  ['mn', '.NET'],
  ['mg', 'Go'],
  ['mr', 'Rust'],
  ['mb', 'Ruby'],
]);

/** "JavaScript client 17.5.0"; what it says of itself where that is not of the usual form. */
export function clientText(clientVersion: string): string {
  const product = products.get(clientVersion.slice(0, 2));
  return product !== undefined && /^..\d/.test(clientVersion)
    ? `${product} client ${clientVersion.slice(2)}`
    : shownName(clientVersion);
}

const events: ReadonlyMap<string, string> = new Map([
  ['app_client_added', 'Device added'],
  ['app_client_connected', 'First use of its token'],
  ['app_client_access', 'Read'],
  ['app_client_access_denied', 'Refused'],
  ['app_client_expired', 'Came with an expired token'],
  ['app_client_removed', 'Device revoked'],
  ['app_client_record_create', 'Record created'],
  ['app_client_record_update', 'Record changed'],
  ['app_client_record_delete', 'Record deleted'],
  ['app_client_folder_create', 'Folder created'],
  ['app_client_folder_update', 'Folder renamed'],
  ['app_client_folder_delete', 'Folder deleted'],
  ['app_client_folder_remove_record', 'Record taken out of a folder'],
  ['app_record_shared', 'Record given to the application'],
  ['app_record_removed', 'Record taken back'],
  ['app_record_share_changed', 'What it may do with a record changed'],
  ['app_folder_shared', 'Folder given to the application'],
  ['app_folder_removed', 'Folder taken back'],
  ['app_folder_share_changed', 'What it may do in a folder changed'],
]);

const readings: ReadonlyMap<string, string> = new Map([
  ['get_secret', 'Read records'],
  ['get_folders', 'Read the list of folders'],
]);

export function eventText({ name, method }: Pick<ApplicationEventView, 'name' | 'method'>): string {
  if (name === 'app_client_access') return readings.get(method) ?? 'Asked the server';
  return events.get(name) ?? 'Something that this version does not know';
}

/** What there is to say beside it: of what, how often, by which call it was refused. */
export function eventDetail({ name, method, objectTitle, objectUid, count }: ApplicationEventView): string {
  const object = objectTitle !== '' ? shownName(objectTitle) : '';
  const unknown = objectUid !== null && object === '' ? 'something that is not in this vault' : '';
  const asked =
    name === 'app_client_access_denied' && method !== '' ? `it asked for ${shownName(method)}` : '';
  const times = count > 1 ? `${count.toLocaleString()} times within a minute` : '';
  return [object || unknown, asked, times].filter(Boolean).join(' · ');
}

/** What an application did, and what a person may do about it. */
export interface ChangeWords {
  readonly title: string;
  readonly text: string;
  /** What accepting it is called; null where there is nothing to accept. */
  readonly accept: string | null;
  readonly decline: string;
  /** What is asked before it is accepted; null: nothing, it can be undone. */
  readonly question: string | null;
  /** Said when it was done. */
  readonly accepted: string;
  readonly declined: string;
}

export function changeWords(change: ApplicationChangeView): ChangeWords {
  const application = shownName(change.applicationName) || 'An application that is gone';
  const title = shownName(change.title) || 'something without a name';
  switch (change.kind) {
    case 'delete-record':
      return {
        title: `${application} deleted “${title}”`,
        text: 'Applications do not see it any more. Your vault still has it, until you decide.',
        ...{ accept: 'Move to the trash', decline: 'Keep it', question: null },
        ...{
          accepted: `${title} is in the trash`,
          declined: `${title} stays, and applications see it again`,
        },
      };
    case 'delete-folder':
      return {
        title: `${application} deleted the folder “${title}”`,
        text: 'Applications do not see it any more. Your vault still has it, until you decide.',
        ...{ accept: 'Delete the folder', decline: 'Keep it' },
        question: 'It goes for everybody who has it; no record goes with it. This cannot be undone.',
        ...{ accepted: `Folder ${title} deleted`, declined: `${title} stays, and applications see it again` },
      };
    case 'transaction':
      return {
        title: `${application} began to change “${title}” and has not finished`,
        text: 'Applications read what it wrote, your vault has what was there before. Usually it finishes by itself.',
        ...{ accept: 'Finish for it', decline: 'Undo it', question: null },
        ...{ accepted: `What it wrote of ${title} is taken over`, declined: `${title} is as it was before` },
      };
    case 'unreadable':
      return {
        title: `${application} wrote something to “${title}” that cannot be taken over`,
        text: 'It is damaged, was made from a state that is no longer the newest, or is more than the application may do. Nothing of your vault was changed.',
        ...{ accept: null, decline: 'Dismiss', question: null },
        ...{ accepted: '', declined: 'Dismissed' },
      };
  }
}
