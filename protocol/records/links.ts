import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { parseUid, type Uid } from '../uid.ts';
import { firstValue, withValue, type RecordContent } from './content.ts';

/**
 * What a linked record is to a machine. Of users: `launch` opens its sessions, `administrative` rotates and discovers
 * there, `user` is an account on it. `jump` is another machine, through which it is reached.
 */
export const linkRoles = ['launch', 'administrative', 'jump', 'user'] as const;
export type LinkRole = (typeof linkRoles)[number];

export interface RecordLink {
  readonly recordUid: Uid;
  readonly role: LinkRole;
}

type Members = Readonly<Record<string, unknown>>;

/** Where a record type keeps its connection, and what it calls its launch credential. */
const places: Readonly<Record<string, { readonly field: string; readonly launch: string }>> = {
  pamMachine: { field: 'pamSettings', launch: 'launchCredentialUid' },
  pamDatabase: { field: 'pamSettings', launch: 'launchCredentialUid' },
  pamDirectory: { field: 'pamSettings', launch: 'launchCredentialUid' },
  pamRemoteBrowser: { field: 'pamRemoteBrowserSettings', launch: 'httpCredentialsUid' },
};

const administrative = 'administrativeCredentialUid';
const jump = 'jumpMachineUid';
const users = 'userRecords';

/** Whether records of that type link others. */
export function hasLinks(type: string): boolean {
  return Object.hasOwn(places, type);
}

/**
 * What a machine links: its launch credential, its administrative one, its jump machine, then the other users in their
 * order. One record may have both of the first roles. None for types without links. Throws `malformed`, and `too-large` over
 * `limits.linkedUsers`.
 */
export function linksOf(content: RecordContent): readonly RecordLink[] {
  const place = placeOf(content.type);
  if (place === null) return [];
  const { connection } = settingsOf(content, place.field);
  const special: RecordLink[] = [
    ...linkIn(connection[place.launch], 'launch'),
    ...linkIn(connection[administrative], 'administrative'),
    ...linkIn(connection[jump], 'jump'),
  ];
  const named = new Set(special.map(({ recordUid }) => recordUid));
  const others = [...new Set(usersIn(connection))].filter((recordUid) => !named.has(recordUid));
  return [...special, ...others.map((recordUid) => ({ recordUid, role: 'user' as const }))];
}

/**
 * The content with that link: a role that only one user can have goes to this one, who is then no plain user; its
 * former holder is no longer linked by it. Throws `not-allowed` for a type without links, `malformed`, `too-large`.
 */
export function withLink(content: RecordContent, { recordUid, role }: RecordLink): RecordContent {
  const { field, launch } = requirePlace(content);
  const { settings, connection } = settingsOf(content, field);
  const linked = usersIn(connection);
  const others = linked.filter((uid) => uid !== recordUid);
  const next =
    role === 'user'
      ? { ...connection, [users]: checkCount(linked.includes(recordUid) ? linked : [...linked, recordUid]) }
      : {
          ...connection,
          ...(others.length === linked.length ? {} : { [users]: others }),
          [memberOf(role, launch)]: recordUid,
        };
  return withValue(content, field, [{ ...settings, connection: next }]);
}

/** The content without that link; the same content when it is not there. Throws as {@link withLink} does. */
export function withoutLink(content: RecordContent, { recordUid, role }: RecordLink): RecordContent {
  const { field, launch } = requirePlace(content);
  const { settings, connection } = settingsOf(content, field);
  if (role === 'user') {
    const others = usersIn(connection).filter((uid) => uid !== recordUid);
    return withValue(content, field, [{ ...settings, connection: { ...connection, [users]: others } }]);
  }
  const name = memberOf(role, launch);
  if (connection[name] !== recordUid) return content;
  const { [name]: _gone, ...rest } = connection;
  return withValue(content, field, [{ ...settings, connection: rest }]);
}

function memberOf(role: Exclude<LinkRole, 'user'>, launch: string): string {
  return role === 'launch' ? launch : role === 'jump' ? jump : administrative;
}

function placeOf(type: string) {
  return hasLinks(type) ? (places[type] ?? null) : null;
}

function requirePlace({ type }: RecordContent) {
  const place = placeOf(type);
  if (place === null) throw new ProtocolError('not-allowed', 'records of this type link no users');
  return place;
}

/** Members that this version does not know stay where they are. */
function settingsOf(content: RecordContent, field: string) {
  const settings = membersIn(firstValue(content, field) ?? {});
  return { settings, connection: membersIn(settings['connection'] ?? {}) };
}

function membersIn(value: unknown): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProtocolError('malformed', 'the settings are not an object');
  return value as Members;
}

function usersIn(connection: Members): readonly Uid[] {
  const list = connection[users] ?? [];
  if (!Array.isArray(list)) throw new ProtocolError('malformed', 'the linked users are not a list');
  return checkCount(list).map(uidIn);
}

function checkCount<T>(list: readonly T[]): readonly T[] {
  if (list.length > limits.linkedUsers) throw new ProtocolError('too-large', 'too many linked users');
  return list;
}

function linkIn(value: unknown, role: LinkRole): RecordLink[] {
  return value === undefined || value === null || value === '' ? [] : [{ recordUid: uidIn(value), role }];
}

function uidIn(value: unknown): Uid {
  if (typeof value !== 'string') throw new ProtocolError('malformed', 'not a uid');
  return parseUid(value);
}
