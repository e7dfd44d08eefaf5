import { signatureLength } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  FolderEntry as FolderEntryMessage,
  Grant as GrantMessage,
  PutFolderRequest,
} from '../../protocol/messages/gen/sharing_pb.js';
import { parseFolderEntry, requireEntryKey, type FolderEntry } from '../../protocol/sharing/folder-entry.ts';
import { parseGrant, requireSealedKey, type Grant } from '../../protocol/sharing/grant.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { requireEnvelope, storedNumber } from '../records/record-bounds.ts';

/** Grants, and entries, of one request. */
export const mostShares = 1000;

const bodyMost = 1024;
/** ECIES of 32 bytes. */
const grantKeyLength = 65 + 12 + 32 + 16;
const wrappedKeyMost = 256;
const folderDataMost = 1024 * 1024;

export interface CheckedGrant extends Grant {
  readonly message: GrantMessage;
}
export interface CheckedEntry extends FolderEntry {
  readonly message: FolderEntryMessage;
}

/** The grant as its signer says, without the signature. Throws `malformed`, `bad-signature` or `expired`. */
export function checkGrant(message: GrantMessage, caller: Uid, now: number): CheckedGrant {
  requireSigned(message);
  if (message.sealedKey.length !== grantKeyLength) throw new ProtocolError('malformed', 'not a sealed key');
  const grant = parseGrant(message);
  requireSealedKey(grant, message.sealedKey);
  if (grant.granterUid !== caller) throw new ProtocolError('bad-signature', 'a grant of somebody else');
  if (grant.granteeUid === caller) throw new ProtocolError('malformed', 'a grant to its granter');
  if (grant.expiresAtMs !== 0 && grant.expiresAtMs <= now)
    throw new ProtocolError('expired', 'the grant has ended');
  requireIssued(grant.issuedAtMs, now);
  requireRightsOfKind(grant);
  return { ...grant, message };
}

/** The entry as its signer says, without the signature. Throws `malformed` or `bad-signature`. */
export function checkEntry(message: FolderEntryMessage, caller: Uid, now: number): CheckedEntry {
  requireSigned(message);
  for (const sealed of [message.sealedKey, message.sealedLaunchKey])
    if (sealed.length > 0) requireEnvelope(sealed, wrappedKeyMost, 32);
  if (message.sealedPlace.length > 0) requireEnvelope(message.sealedPlace, wrappedKeyMost);
  const entry = parseFolderEntry(message);
  requireEntryKey(entry, 'full', message.sealedKey);
  requireEntryKey(entry, 'launch', message.sealedLaunchKey);
  if (entry.authorUid !== caller) throw new ProtocolError('bad-signature', 'an entry of somebody else');
  requireIssued(entry.issuedAtMs, now);
  return { ...entry, message };
}

/** Sizes and forms. Throws `malformed` or `too-large`. */
export function checkFolder(folder: PutFolderRequest): void {
  const { folderUid, baseRevision, sealedKey, sealedData, signature } = folder;
  uidOf(folderUid);
  storedNumber(baseRevision);
  requireEnvelope(sealedData, folderDataMost);
  if (sealedKey.length > 0) requireEnvelope(sealedKey, wrappedKeyMost, 32);
  if (signature.length !== signatureLength) throw new ProtocolError('malformed', 'not a signature');
}

/** Throws `malformed` when two of them would be the same row. */
export function requireEachOnce(names: readonly string[]): void {
  if (new Set(names).size !== names.length) throw new ProtocolError('malformed', 'named twice');
}

export function requireCount(count: number, least: number): void {
  if (count < least || count > mostShares)
    throw new ProtocolError('too-large', `a request has ${least} to ${mostShares} of these`);
}

function requireSigned({
  body,
  signature,
}: {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}): void {
  if (body.length > bodyMost) throw new ProtocolError('too-large', 'the statement is too large');
  if (signature.length !== signatureLength) throw new ProtocolError('malformed', 'not a signature');
}

/** What was signed last counts: nobody signs for the future. */
function requireIssued(issuedAtMs: number, now: number): void {
  if (issuedAtMs > now + limits.clockSkewMs) throw new ProtocolError('malformed', 'signed in the future');
}

function requireRightsOfKind({ objectKind, granteeKind, rights }: Grant): void {
  const ofFolder = rights.manageMembers || rights.manageRecords;
  if (objectKind === 'record' ? ofFolder : rights.own)
    throw new ProtocolError('malformed', 'the object has no such right');
  if (rights.own && granteeKind === 'team') throw new ProtocolError('malformed', 'a team owns nothing');
}
