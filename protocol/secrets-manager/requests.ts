import type { Bytes } from '../bytes.ts';
import { publicKeyLength } from '../crypto/ecdh.ts';
import { ProtocolError } from '../errors.ts';
import { clientIdLength } from './client-id.ts';
import { Members } from './members.ts';
import { requireOwnMembers, type PayloadKind } from './payload-members.ts';

/** Payloads of the secrets-manager methods as a server reads them. protocol.md §10.6. */
export interface ClientPayload {
  readonly clientVersion: string;
  /** 64 bytes. */
  readonly clientId: Bytes;
}

export interface BindingPayload extends ClientPayload {
  /** 65 bytes; only while the client has no application key. */
  readonly publicKey: Bytes | null;
}

export interface ReadSecretsPayload extends BindingPayload {
  /** Not always UIDs: clients also ask for what cannot be there. */
  readonly requestedRecords: readonly string[];
  readonly requestedFolders: readonly string[];
  readonly requestLinks: boolean;
}

export interface UpdateSecretPayload extends ClientPayload {
  readonly recordUid: string;
  readonly data: Bytes;
  readonly revision: number;
  readonly transactionType: 'general' | 'rotation' | null;
  readonly links2Remove: readonly string[];
}

export interface CreateSecretPayload extends ClientPayload {
  readonly recordUid: string;
  /** ECIES to the application's owner, 125 bytes. */
  readonly recordKey: Bytes;
  readonly folderUid: string;
  /** Despite its name: the record key under the folder key, 60 bytes. */
  readonly folderKey: Bytes;
  readonly data: Bytes;
  readonly subFolderUid: string | null;
}

export interface CreateFolderPayload extends ClientPayload {
  readonly folderUid: string;
  readonly sharedFolderUid: string;
  readonly sharedFolderKey: Bytes;
  readonly data: Bytes;
  readonly parentUid: string | null;
}

export interface UpdateFolderPayload extends ClientPayload {
  readonly folderUid: string;
  /** AES-CBC(folder key, {"name"}). */
  readonly data: Bytes;
}

export interface DeleteFolderPayload extends ClientPayload {
  readonly folderUids: readonly string[];
  readonly forceDeletion: boolean;
}

export interface AddFilePayload extends ClientPayload {
  readonly fileRecordUid: string;
  readonly fileRecordKey: Bytes;
  readonly fileRecordData: Bytes;
  readonly ownerRecordUid: string;
  readonly ownerRecordData: Bytes;
  readonly ownerRecordRevision: number;
  readonly linkKey: Bytes;
  readonly fileSize: number;
}

const eciesKeyLength = 125;
const wrappedKeyLength = 60;

/** What every method's payload starts with. Throws `malformed`, as all of these do. */
function parseClientPayload(payload: unknown): ClientPayload {
  const members = new Members(payload);
  return {
    clientVersion: members.text('clientVersion').slice(0, 64),
    clientId: members.bytes('clientId', clientIdLength),
  };
}

/** The same, with the key that a client without application key brings; only methods that read bind. */
export function parseBindingPayload(payload: unknown): BindingPayload {
  const publicKey = new Members(payload).optionalBytes('publicKey', publicKeyLength);
  return { ...parseClientPayload(payload), publicKey };
}

/** `get_secret` and `get_folders`. */
export function parseReadSecrets(payload: unknown): ReadSecretsPayload {
  const members = membersOf(payload, 'read');
  return {
    ...parseBindingPayload(payload),
    requestedRecords: members.texts('requestedRecords'),
    requestedFolders: members.texts('requestedFolders'),
    requestLinks: members.flag('requestLinks'),
  };
}

/** `update_secret`. */
export function parseUpdateSecret(payload: unknown): UpdateSecretPayload {
  const members = membersOf(payload, 'update');
  return {
    ...parseClientPayload(payload),
    recordUid: members.text('recordUid'),
    data: members.bytes('data'),
    revision: members.integer('revision'),
    transactionType: transactionType(members.optionalText('transactionType')),
    links2Remove: members.texts('links2Remove'),
  };
}

/** `create_secret`. A record key that is not wrapped is refused: one client sends it bare. */
export function parseCreateSecret(payload: unknown): CreateSecretPayload {
  const members = membersOf(payload, 'create');
  return {
    ...parseClientPayload(payload),
    recordUid: members.text('recordUid'),
    recordKey: eciesKey(members, 'recordKey'),
    folderUid: members.text('folderUid'),
    folderKey: members.bytes('folderKey', wrappedKeyLength),
    data: members.bytes('data'),
    subFolderUid: members.optionalText('subFolderUid') || null,
  };
}

/** `delete_secret`. */
export function parseDeleteSecret(
  payload: unknown,
): ClientPayload & { readonly recordUids: readonly string[] } {
  const recordUids = membersOf(payload, 'delete').presentTexts('recordUids');
  return { ...parseClientPayload(payload), recordUids };
}

/** `finalize_secret_update` and `rollback_secret_update`. */
export function parseTransactionEnd(payload: unknown): ClientPayload & { readonly recordUid: string } {
  const recordUid = membersOf(payload, 'transaction').text('recordUid');
  return { ...parseClientPayload(payload), recordUid };
}

/** `create_folder`. */
export function parseCreateFolder(payload: unknown): CreateFolderPayload {
  const members = membersOf(payload, 'createFolder');
  return {
    ...parseClientPayload(payload),
    folderUid: members.text('folderUid'),
    sharedFolderUid: members.text('sharedFolderUid'),
    sharedFolderKey: members.bytes('sharedFolderKey'),
    data: members.bytes('data'),
    parentUid: members.optionalText('parentUid') || null,
  };
}

/** `update_folder`. */
export function parseUpdateFolder(payload: unknown): UpdateFolderPayload {
  const members = membersOf(payload, 'updateFolder');
  return {
    ...parseClientPayload(payload),
    folderUid: members.text('folderUid'),
    data: members.bytes('data'),
  };
}

/** `delete_folder`. */
export function parseDeleteFolder(payload: unknown): DeleteFolderPayload {
  const members = membersOf(payload, 'deleteFolder');
  return {
    ...parseClientPayload(payload),
    folderUids: members.presentTexts('folderUids'),
    forceDeletion: members.flag('forceDeletion'),
  };
}

/** `add_file`. */
export function parseAddFile(payload: unknown): AddFilePayload {
  const members = membersOf(payload, 'addFile');
  return {
    ...parseClientPayload(payload),
    fileRecordUid: members.text('fileRecordUid'),
    fileRecordKey: eciesKey(members, 'fileRecordKey'),
    fileRecordData: members.bytes('fileRecordData'),
    ownerRecordUid: members.text('ownerRecordUid'),
    ownerRecordData: members.bytes('ownerRecordData'),
    ownerRecordRevision: members.integer('ownerRecordRevision'),
    linkKey: members.bytes('linkKey', wrappedKeyLength),
    fileSize: members.integer('fileSize'),
  };
}

function membersOf(payload: unknown, kind: PayloadKind): Members {
  const members = new Members(payload);
  requireOwnMembers(members, kind);
  return members;
}

function eciesKey(members: Members, name: string): Bytes {
  const key = members.bytes(name, eciesKeyLength);
  if (key[0] !== 4) throw new ProtocolError('malformed', `${name} is not wrapped`);
  return key;
}

function transactionType(text: string | null): 'general' | 'rotation' | null {
  if (text === null || text === 'general' || text === 'rotation') return text;
  throw new ProtocolError('malformed', 'transactionType is unknown');
}
