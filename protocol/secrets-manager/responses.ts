import { encodeBase64, encodeBase64url, type Bytes } from '../bytes.ts';
import { publicKeyLength } from '../crypto/ecdh.ts';
import { Members } from './members.ts';

/** Bytes to be encoded, or their standard base64 as a store gave it. */
export type Sealed = Bytes | string;

/** What `get_secret` answers, in bytes. protocol.md §10.6. */
export interface SecretsResponse<S extends Sealed = Bytes> extends SecretsEnvelope {
  /** AES-GCM(application key, {"title","type":"app"} padded). */
  readonly appData: Bytes | null;
  readonly folders: readonly SecretsFolder<S>[];
  /** Records that are shared to the application directly. */
  readonly records: readonly SecretsRecord<S>[];
}

/** What both methods that read answer besides. */
export interface SecretsEnvelope {
  /** Bind only: AES-GCM(one-time token, application key). */
  readonly encryptedAppKey: Bytes | null;
  /** Bind only, 65 bytes. */
  readonly appOwnerPublicKey: Bytes | null;
  /** Milliseconds; 0 is never. */
  readonly expiresOn: number;
  readonly warnings: readonly string[];
}

export interface SecretsFolder<S extends Sealed = Bytes> {
  readonly folderUid: string;
  /** AES-GCM(application key, shared folder key). */
  readonly folderKey: Bytes;
  readonly isEditable: boolean;
  readonly records: readonly SecretsRecord<S>[];
}

/** A shared folder or subfolder as `get_folders` answers it. */
export interface SecretsFolderName {
  readonly folderUid: string;
  /** AES-GCM(application key, key) of a shared folder, AES-CBC(shared folder's key, key) of a subfolder. */
  readonly folderKey: Bytes;
  /** AES-CBC(key, {"name"}). */
  readonly data: Bytes;
  /** Null for a shared folder. */
  readonly parent: string | null;
  readonly isEditable: boolean;
}

export interface SecretsRecord<S extends Sealed = Bytes> {
  readonly recordUid: string;
  /** AES-GCM(folder key or application key, record key). */
  readonly recordKey: S;
  /** AES-GCM(record key, record JSON). */
  readonly data: S;
  readonly revision: number;
  readonly isEditable: boolean;
  /** Of a record in a subfolder, and of no other: Java unwraps with the folder key when it is set. */
  readonly innerFolderUid: string | null;
  readonly files: readonly SecretsFile[];
  readonly links: readonly SecretsLink[];
}

export interface SecretsFile {
  readonly fileUid: string;
  readonly fileKey: Bytes;
  readonly data: Bytes;
  readonly url: string;
  readonly thumbnailUrl: string | null;
}

export interface SecretsLink {
  readonly recordUid: string;
  readonly data: Bytes | null;
  readonly path: string | null;
}

/** What is told of each thing that `delete_secret` or `delete_folder` names. */
export interface DeletionOutcome {
  readonly uid: string;
  /** `ok`, or an error of protocol.md §10.7. */
  readonly responseCode: string;
  readonly errorMessage: string | null;
}

/** JSON value with every member that some client insists on, in the base64 form that every client takes. */
export function encodeSecretsResponse(response: SecretsResponse<Sealed>): object {
  return { ...encodeSecretsHead(response), ...encodeSecretsContent(response) };
}

/** The part that is the same for all clients of an application. */
export function encodeSecretsContent({
  folders,
  records,
}: Pick<SecretsResponse<Sealed>, 'folders' | 'records'>): object {
  return { folders: folders.map(encodeFolder), records: records.map(encodeRecord) };
}

/** The other part. */
export function encodeSecretsHead({
  appData,
  ...envelope
}: SecretsEnvelope & Pick<SecretsResponse, 'appData'>): object {
  // Java takes the url alphabet here only
  return { appData: appData === null ? null : encodeBase64url(appData), ...encodeEnvelope(envelope) };
}

/** The answer of `get_folders`, in the same envelope; `folders`: each parent before its children. */
export function encodeFoldersResponse(
  envelope: SecretsEnvelope,
  folders: readonly SecretsFolderName[],
): object {
  const encoded = folders.map((folder) => ({
    ...folder,
    folderKey: encodeBase64(folder.folderKey),
    data: encodeBase64(folder.data),
    records: null,
  }));
  return { appData: null, folders: encoded, records: [], ...encodeEnvelope(envelope) };
}

/** The answer of `delete_secret`. */
export function encodeRecordDeletions(outcomes: readonly DeletionOutcome[]): object {
  return { records: outcomes.map(({ uid, ...outcome }) => ({ recordUid: uid, ...outcome })) };
}

/** The answer of `delete_folder`; Java reads it as that of `delete_secret` and needs its member, too. */
export function encodeFolderDeletions(outcomes: readonly DeletionOutcome[]): object {
  return {
    folders: outcomes.map(({ uid, ...outcome }) => ({ folderUid: uid, ...outcome })),
    records: [],
  };
}

function encodeEnvelope({ encryptedAppKey, appOwnerPublicKey, expiresOn, warnings }: SecretsEnvelope) {
  return {
    encryptedAppKey: base64OrNull(encryptedAppKey),
    appOwnerPublicKey: base64OrNull(appOwnerPublicKey),
    expiresOn,
    warnings: warnings.length === 0 ? null : warnings,
    extra: null,
  };
}

/** Inverse of {@link encodeSecretsResponse}, for every server of this protocol. Throws `malformed`. */
export function parseSecretsResponse(json: unknown): SecretsResponse {
  const members = new Members(json);
  return {
    appData: members.optionalBytes('appData'),
    encryptedAppKey: members.optionalBytes('encryptedAppKey'),
    appOwnerPublicKey: members.optionalBytes('appOwnerPublicKey', publicKeyLength),
    folders: members.objects('folders').map(parseFolder),
    records: members.objects('records').map(parseRecord),
    expiresOn: members.optionalInteger('expiresOn') ?? 0,
    warnings: members.texts('warnings'),
  };
}

function encodeFolder(folder: SecretsFolder<Sealed>): object {
  return {
    folderUid: folder.folderUid,
    folderKey: encodeBase64(folder.folderKey),
    data: null,
    parent: null,
    isEditable: folder.isEditable,
    records: folder.records.map(encodeRecord),
  };
}

function encodeRecord(record: SecretsRecord<Sealed>): object {
  return {
    recordUid: record.recordUid,
    recordKey: base64Of(record.recordKey),
    data: base64Of(record.data),
    revision: record.revision,
    isEditable: record.isEditable,
    files: record.files.length === 0 ? null : record.files.map(encodeFile),
    folderUid: null,
    innerFolderUid: record.innerFolderUid,
    ...(record.links.length === 0 ? {} : { links: record.links.map(encodeLink) }),
  };
}

function encodeFile(file: SecretsFile): object {
  return { ...file, fileKey: encodeBase64(file.fileKey), data: encodeBase64(file.data) };
}

function encodeLink(link: SecretsLink): object {
  return { ...link, data: base64OrNull(link.data) };
}

function base64Of(sealed: Sealed): string {
  return typeof sealed === 'string' ? sealed : encodeBase64(sealed);
}

function base64OrNull(bytes: Bytes | null): string | null {
  return bytes === null ? null : encodeBase64(bytes);
}

function parseFolder(members: Members): SecretsFolder {
  return {
    folderUid: members.text('folderUid'),
    folderKey: members.bytes('folderKey'),
    isEditable: members.flag('isEditable'),
    records: members.objects('records').map(parseRecord),
  };
}

function parseRecord(members: Members): SecretsRecord {
  return {
    recordUid: members.text('recordUid'),
    recordKey: members.bytes('recordKey'),
    data: members.bytes('data'),
    revision: members.integer('revision'),
    isEditable: members.flag('isEditable'),
    innerFolderUid: members.optionalText('innerFolderUid'),
    files: members.objects('files').map(parseFile),
    links: members.objects('links').map(parseLink),
  };
}

function parseFile(members: Members): SecretsFile {
  return {
    fileUid: members.text('fileUid'),
    fileKey: members.bytes('fileKey'),
    data: members.bytes('data'),
    url: members.text('url'),
    thumbnailUrl: members.optionalText('thumbnailUrl'),
  };
}

function parseLink(members: Members): SecretsLink {
  return {
    recordUid: members.text('recordUid'),
    data: members.optionalBytes('data'),
    path: members.optionalText('path'),
  };
}
