import {
  ByteReader,
  concat,
  empty,
  encodeBase64url,
  equal,
  parseBase64url,
  parseUtf8,
  uint64,
  utf8,
  type Bytes,
} from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf, hmacSha256, sha256 } from '../crypto/hash.ts';
import { labels, purposes } from '../crypto/labels.ts';
import { randomBytes } from '../crypto/random.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** What an invitation link carries in its fragment, which no server sees. protocol.md §20.2. */
export interface InvitationLink {
  readonly invitationUid: Uid;
  /** 32 random bytes: gives the access token and the key of the proof. */
  readonly secret: Bytes;
  /** SHA-256 of the organisation's signing key, 32 bytes: whose rosters the new account will believe. */
  readonly organisationKeyHash: Bytes;
}

/** What the inviter keeps of an invitation, under the own data key. */
export interface InvitationNote {
  readonly secret: Bytes;
  readonly expiresAtMs: number;
  /** Whom the link was made for, as the server spells addresses. */
  readonly email: string;
}

/** 32 random bytes. */
export function newInvitationSecret(): Bytes {
  return randomBytes(32);
}

/** base64url of UID(16) ‖ secret(32) ‖ organisation key hash(32). */
export function encodeInvitation({ invitationUid, secret, organisationKeyHash }: InvitationLink): string {
  return encodeBase64url(concat(uidBytes(invitationUid), secret, organisationKeyHash));
}

/** Strict inverse of {@link encodeInvitation}. Throws `malformed`. */
export function parseInvitation(text: string): InvitationLink {
  const reader = new ByteReader(parseBase64url(text));
  const link = {
    invitationUid: uidOf(reader.take(16)),
    secret: reader.take(32),
    organisationKeyHash: reader.take(32),
  };
  reader.end();
  return link;
}

/** What the organisation's key must hash to: for the link. */
export function hashOfOrganisationKey(organisationKey: Uint8Array): Bytes {
  return sha256(organisationKey);
}

/** Throws `untrusted` when the server names another organisation than the link does. */
export function requireInvitedKey(link: InvitationLink, organisationKey: Uint8Array): void {
  if (!equal(hashOfOrganisationKey(organisationKey), link.organisationKeyHash))
    throw new ProtocolError('untrusted', 'the server names another organisation than the invitation');
}

/** What shows the server that somebody has the link, 32 bytes. It knows its SHA-256. */
export function invitationToken({
  invitationUid,
  secret,
}: Pick<InvitationLink, 'invitationUid' | 'secret'>): Bytes {
  return hkdf(secret, empty, encodeContext(labels.invitationToken, invitationUid));
}

/** HMAC-SHA-256 under the proof key, 32 bytes: these keys are of whoever has the link. */
export function proveInvitation(
  link: Pick<InvitationLink, 'invitationUid' | 'secret'>,
  certificateBody: Uint8Array,
): Bytes {
  const key = hkdf(link.secret, empty, encodeContext(labels.invitationProof, link.invitationUid));
  return hmacSha256(key, certificateBody);
}

/** Throws `untrusted` unless whoever made the proof has the link's secret. */
export function requireInvitationProof(
  link: Pick<InvitationLink, 'invitationUid' | 'secret'>,
  certificateBody: Uint8Array,
  proof: Uint8Array,
): void {
  if (!equal(proveInvitation(link, certificateBody), proof))
    throw new ProtocolError('untrusted', 'whoever accepted the invitation did not have its link');
}

/** Envelope under the inviter's data key, objects (inviter, invitation): secret(32) ‖ expires at(8) ‖ address. */
export function sealInvitationNote(
  dataKey: SymmetricKey,
  inviterUid: Uid,
  invitationUid: Uid,
  { secret, expiresAtMs, email }: InvitationNote,
): Promise<Bytes> {
  const plaintext = concat(secret, uint64(BigInt(expiresAtMs)), utf8(email));
  return sealEnvelope(dataKey, purposes.invitationSecret, [inviterUid, invitationUid], plaintext);
}

/** Inverse of {@link sealInvitationNote}. Throws `open-failed` or `malformed`. */
export async function openInvitationNote(
  dataKey: SymmetricKey,
  inviterUid: Uid,
  invitationUid: Uid,
  sealed: Uint8Array,
): Promise<InvitationNote> {
  const objects = [inviterUid, invitationUid];
  const reader = new ByteReader(await openEnvelope(dataKey, purposes.invitationSecret, objects, sealed));
  const secret = reader.take(32);
  const expiresAtMs = reader.uint64();
  if (expiresAtMs > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError('malformed', 'not a time');
  return { secret, expiresAtMs: Number(expiresAtMs), email: parseUtf8(reader.rest()) };
}
