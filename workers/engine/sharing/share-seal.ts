import type { MessageInitShape } from '@bufbuild/protobuf';
import { empty, type Bytes } from '../../../protocol/bytes.ts';
import type { FolderEntrySchema, GrantSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import { signFolderEntry, type FolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import { sealGrantKey } from '../../../protocol/sharing/grant-key.ts';
import { signGrant, type GranteeType, type SharedKind } from '../../../protocol/sharing/grant.ts';
import type { Rights } from '../../../protocol/sharing/rights.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { folderLaunchKeyOf, sealPlace, wrapEntryKey } from '../../../protocol/vault/folder-seal.ts';
import { recordLaunchKeyOf } from '../../../protocol/vault/launch-card.ts';

/** Who gives something: the account of this vault. */
export type Giver = Pick<AccountKeys, 'accountUid' | 'signer'>;

/** A record or shared folder that is given, with its own key (32 bytes). */
export interface GivenObject {
  readonly kind: SharedKind;
  readonly uid: Uid;
  readonly ownerUid: Uid;
  readonly key: Bytes;
  readonly keyVersion: number;
}

/** Somebody whose key is believed: of the verified roster, and pinned. */
export interface Grantee {
  readonly kind: GranteeType;
  readonly uid: Uid;
  /** ECDH, 65 bytes. */
  readonly publicKey: Bytes;
  /** Of a team's key; 0 for an account. */
  readonly keyVersion?: number;
}

export interface GrantTerms {
  readonly rights: Rights;
  readonly expiresAtMs: number;
  readonly issuedAtMs: number;
}

/** A signed grant; who may only launch gets the launch key and never the object's own. */
export async function sealGrant(
  giver: Giver,
  { kind, uid, ownerUid, key, keyVersion }: GivenObject,
  grantee: Grantee,
  { rights, expiresAtMs, issuedAtMs }: GrantTerms,
): Promise<MessageInitShape<typeof GrantSchema>> {
  const { launchOnly } = rights;
  const given = launchOnly ? launchKeyOf(kind, key, uid) : key;
  const scope = {
    ...{ objectKind: kind, objectUid: uid, launchOnly },
    ...{ granteeUid: grantee.uid, granterUid: giver.accountUid },
  };
  const sealedKey = await sealGrantKey(grantee.publicKey, scope, given);
  const body = {
    ...scope,
    ownerUid,
    granteeKind: grantee.kind,
    rights,
    issuedAtMs,
    expiresAtMs,
    keyVersion,
    granteeKeyVersion: grantee.keyVersion ?? 0,
  };
  return await signGrant(giver.signer, body, sealedKey);
}

/** A record as it lies in a shared folder. */
export interface EntryPlace {
  readonly rights: Rights;
  readonly subfolderUid: Uid | null;
  readonly issuedAtMs: number;
  /** The entry in whose place it comes. */
  readonly before?: Pick<FolderEntry, 'recordKeyVersion' | 'firstFolderKeyVersion'> | null;
}

/** A signed entry: the record's keys under the folder's. Of a launch-only entry nobody gets the record's own key. */
export async function sealEntry(
  giver: Giver,
  folder: GivenObject,
  record: GivenObject,
  { rights, subfolderUid, issuedAtMs, before }: EntryPlace,
): Promise<MessageInitShape<typeof FolderEntrySchema>> {
  const names = { folderUid: folder.uid, recordUid: record.uid };
  const folderLaunchKey = folderLaunchKeyOf(folder.key, folder.uid);
  const launchKey = recordLaunchKeyOf(record.key, record.uid);
  const keys = {
    sealedKey: rights.launchOnly ? empty : await wrapEntryKey(folder.key, 'full', names, record.key),
    sealedLaunchKey: await wrapEntryKey(folderLaunchKey, 'launch', names, launchKey),
  };
  const isSameKey = before?.recordKeyVersion === record.keyVersion;
  const entry = {
    ...names,
    folderOwnerUid: folder.ownerUid,
    recordOwnerUid: record.ownerUid,
    authorUid: giver.accountUid,
    rights,
    issuedAtMs,
    recordKeyVersion: record.keyVersion,
    folderKeyVersion: folder.keyVersion,
    firstFolderKeyVersion: isSameKey ? before.firstFolderKeyVersion : folder.keyVersion,
  };
  const signed = await signFolderEntry(giver.signer, entry, keys);
  return { ...signed, sealedPlace: await sealPlace(folderLaunchKey, names, subfolderUid) };
}

function launchKeyOf(kind: SharedKind, key: Bytes, uid: Uid): Bytes {
  return kind === 'record' ? recordLaunchKeyOf(key, uid) : folderLaunchKeyOf(key, uid);
}
