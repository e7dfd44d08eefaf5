import { ProtocolError } from '../../../protocol/errors.ts';
import type { Record } from '../../../protocol/messages/gen/record_pb.js';
import { firstText, firstValue, type RecordContent } from '../../../protocol/records/content.ts';
import {
  readHostname,
  opensUnlinked,
  readPamResources,
  readPamSettings,
  type PamResources,
} from '../../../protocol/records/pam-settings.ts';
import { fieldTypeOf } from '../../../protocol/records/field-types.ts';
import { lineOf } from '../../../protocol/records/field-values.ts';
import { templateOf } from '../../../protocol/records/templates.ts';
import { parseUid, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { LaunchCard } from '../../../protocol/vault/launch-card.ts';
import { plain } from '../search/query.ts';

/** What the vault remembers of an opened record: what lists, searches and sharing need, and no secret. */
export interface RecordEntry {
  readonly uid: Uid;
  readonly ownerUid: Uid;
  readonly type: string;
  readonly title: string;
  readonly login: string;
  readonly host: string;
  readonly url: string;
  /** What else is in it and is no secret, in plain letters, for searches alone; the beginning of it. */
  readonly more: string;
  readonly changedAt: number;
  /** In its owner's trash. */
  readonly trashed: boolean;
  /** Of a machine. */
  readonly machine: MachineLinks | null;
  /** Of a gateway's configuration. */
  readonly pins: PamResources | null;
  /** Of a personal folder: the one that it is in. */
  readonly parentUid: Uid | null;
  /** Known from its launch card: somebody else's, to connect with and no more. */
  readonly launchOnly: boolean;
  /** It has a launch card: others may connect with it. */
  readonly launchable: boolean;
}

export interface MachineLinks {
  readonly host: string;
  readonly configurationUid: Uid | null;
  readonly launchCredentialUid: Uid | null;
  /** The machine through which it is reached. */
  readonly jumpMachineUid: Uid | null;
  /** Sessions open without a launch credential too: the person brings a login, or the machine asks for none or itself. */
  readonly opensUnlinked: boolean;
}

type Row = Pick<Record, 'recordUid' | 'ownerUid' | 'changedAtMs' | 'deleted'> &
  Partial<Pick<Record, 'sealedLaunch'>>;

/** UTF-16 units of what searches look through beside the columns: 50,000 of them are read with each key. */
const mostMore = 400;

/** UTF-16 units of a text that is kept: what others share is as long as they like. */
const longest = 1_000;

/** Condenses an opened record. */
export function describeRecord(row: Row, content: RecordContent): RecordEntry {
  const { type } = content;
  const host = clip(hostOf(content));
  return {
    ...placeOf(row),
    type: clip(type),
    title: clip(content.title),
    login: clip(firstText(content, 'login')),
    host,
    url: clip(firstText(content, 'url')),
    more: isOrdinary(type) ? moreOf(content) : '',
    machine: type === 'pamMachine' ? machineLinks(content, host) : null,
    pins: type === 'pamNetworkConfiguration' ? orNull(() => readPamResources(content)) : null,
    parentUid: type === 'folder' ? orNull(() => parentOf(content)) : null,
    launchOnly: false,
  };
}

/** The same of an own record that was opened before. */
export function entryOf(row: Row, opened: RecordEntry): RecordEntry {
  const { type, title, login, host, url, more, machine, pins, parentUid } = opened;
  return {
    ...placeOf(row),
    ...{ type, title, login, host, url, more, machine, pins, parentUid },
    launchOnly: false,
  };
}

/** The same of a machine that this account may connect to and no more. */
export function describeLaunch(row: Row, { type, title, subtitle, ...card }: LaunchCard): RecordEntry {
  const { configurationUid, launchCredentialUid } = card;
  return {
    ...placeOf(row),
    type: clip(type),
    title: clip(title),
    login: '',
    host: clip(subtitle),
    url: '',
    more: '',
    machine: {
      ...{ host: clip(subtitle), configurationUid, launchCredentialUid: launchCredentialUid || null },
      ...{ jumpMachineUid: null, opensUnlinked: true }, // its owner sees to the way
    },
    pins: null,
    parentUid: null,
    launchOnly: true,
  };
}

/** Shown under the title: where it leads, else as whom. */
export function subtitleOf({ host, login, url }: RecordEntry): string {
  return host || login || url;
}

/** Whether a person sees records of that type in their lists. */
export function isOrdinary(type: string): boolean {
  return templateOf(type)?.internal !== true;
}

/**
 * What a record of an internal type says counts as its owner wrote it for themselves alone. What somebody else wrote, or
 * what was ever under another key than its first and so given to others, is a note, whatever it calls itself: nothing
 * that is signed anew later on turns it into more. protocol.md §9.3.
 */
export function trustedContent(
  content: RecordContent,
  { byItsOwner, keyVersion }: { readonly byItsOwner: boolean; readonly keyVersion: number },
): RecordContent {
  if (isOrdinary(content.type) || (byItsOwner && keyVersion <= 1)) return content;
  return { ...content, type: 'encryptedNotes' };
}

/**
 * Notes, names of attachments and all values that are no secret, with the labels that a person gave them. What is in a
 * column of its own, and what screens of their own say, is not repeated.
 */
function moreOf({ notes = '', fields, custom = [] }: RecordContent): string {
  const values = [...fields, ...custom].flatMap(({ type, label, value }, at) => {
    if (fieldTypeOf(type)?.internal && type !== 'fileRef') return [];
    const rest = type === 'login' || type === 'url' ? value.slice(at < fields.length ? 1 : 0) : value;
    const texts = rest.map((one) => lineOf(type, one)).filter(Boolean);
    return at >= fields.length && label !== undefined ? [label, ...texts] : texts;
  });
  const text = [...values, notes.slice(0, mostMore)].join(' ').replace(/\s+/g, ' ').trim();
  return plain(text.slice(0, mostMore).toWellFormed());
}

function clip(text: string): string {
  return text.length > longest ? text.slice(0, longest).toWellFormed() : text;
}

function placeOf({ recordUid, ownerUid, changedAtMs, deleted, sealedLaunch }: Row) {
  return {
    uid: uidOf(recordUid),
    ownerUid: uidOf(ownerUid),
    changedAt: Number(changedAtMs),
    trashed: deleted,
    launchable: (sealedLaunch?.length ?? 0) > 0,
  };
}

function parentOf(content: RecordContent): Uid | null {
  const parent = firstText(content, 'parentFolder');
  return parent === '' ? null : parseUid(parent);
}

/** The gateway and the credential that a machine's sealed settings name. */
function machineLinks(content: RecordContent, host: string): MachineLinks {
  const settings = orNull(() => readPamSettings(content));
  return {
    host,
    configurationUid: settings?.configurationUid ?? null,
    launchCredentialUid: settings?.connection.launchCredentialUid ?? null,
    jumpMachineUid: settings?.connection.jumpMachineUid ?? null,
    opensUnlinked: settings !== null && opensUnlinked(settings),
  };
}

function hostOf(content: RecordContent): string {
  if (firstValue(content, 'pamHostname') === null) return '';
  const name = orNull(() => readHostname(content));
  if (name === null) return '';
  const host = name.host.includes(':') ? `[${name.host}]` : name.host;
  return name.port === 22 ? host : `${host}:${name.port}`;
}

/** A field that was never filled in, or badly, is not there for a list. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
