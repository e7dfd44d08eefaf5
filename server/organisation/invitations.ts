// Invitations in the store. The server knows the hash of a token; the secret behind it is the inviter's.
import { equal } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { CreateInvitationRequest } from '../../protocol/messages/gen/organisation_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { decodeCertificate } from '../login/bundle.ts';
import { normaliseEmail } from '../login/email.ts';
import type { Database, Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { holdOrganisation, type Membership } from './membership.ts';

/** Envelope of secret, end and address. */
const noteMost = 512;

/** Throws `malformed`, `conflict` for a member's address or a UID that is taken, `limit-reached`. */
export async function insertInvitation(
  tx: Tx,
  { accountUid, organisationUid }: Membership,
  input: CreateInvitationRequest,
  now: number,
): Promise<void> {
  const email = normaliseEmail(input.email);
  const expires_at = Number(input.expiresAtMs);
  const { tokenHash, sealedSecret } = input;
  uidOf(input.invitationUid);
  if (tokenHash.length !== 32 || sealedSecret.length < 37 + 40 || sealedSecret.length > noteMost)
    throw new ProtocolError('malformed', 'not an invitation');
  if (!(expires_at > now && expires_at <= now + limits.invitationMs + limits.clockSkewMs))
    throw new ProtocolError('malformed', 'an invitation lasts at most 30 days');
  await holdOrganisation(tx, organisationUid);
  await dropExpired(tx, now);
  await requireRoom(tx, organisationUid);
  await requireNewAddress(tx, organisationUid, email);
  try {
    await tx
      .insertInto('invitation')
      .values({
        invitation_uid: input.invitationUid,
        organisation_uid: organisationUid,
        inviter_uid: uidBytes(accountUid),
        email,
        token_hash: tokenHash,
        sealed_secret: sealedSecret,
        created_at: now,
        expires_at,
      })
      .execute();
  } catch (error) {
    if (isUniqueViolation(error)) throw new ProtocolError('conflict', 'the invitation exists already');
    throw error;
  }
}

/** All of the organisation; the inviter's secret to the inviter alone. */
export async function listInvitations(db: Database, { accountUid, organisationUid }: Membership) {
  const rows = await db
    .selectFrom('invitation')
    .select(['invitation_uid', 'email', 'inviter_uid', 'sealed_secret', 'expires_at', 'accepted_at'])
    .where('organisation_uid', '=', organisationUid)
    .orderBy('created_at', 'desc')
    .execute();
  return rows.map((row) => ({
    invitationUid: row.invitation_uid,
    email: row.email,
    inviterUid: row.inviter_uid,
    ...(uidOf(row.inviter_uid) === accountUid && { sealedSecret: row.sealed_secret }),
    expiresAtMs: BigInt(row.expires_at),
    acceptedAtMs: BigInt(row.accepted_at),
  }));
}

/** Whoever accepted it keeps the account, and is never certified. */
export async function deleteInvitation(
  tx: Tx,
  organisationUid: Uint8Array,
  invitationUid: Uint8Array,
): Promise<void> {
  await tx
    .deleteFrom('invitation')
    .where('invitation_uid', '=', uidBytes(uidOf(invitationUid)))
    .where('organisation_uid', '=', organisationUid)
    .execute();
}

export interface OpenInvitation {
  readonly email: string;
  readonly organisationUid: Uint8Array;
  readonly organisationKey: Uint8Array;
  readonly inviterEmail: string;
}

/** Throws `not-found`, the same for one that never was, was used, is over, and for a wrong token (attack class 19). */
export async function findInvitation(
  at: Database | Tx,
  invitationUid: Uint8Array,
  token: Uint8Array,
  now: number,
): Promise<OpenInvitation> {
  const row = await at
    .selectFrom('invitation')
    .innerJoin('organisation', 'organisation.organisation_uid', 'invitation.organisation_uid')
    .innerJoin('account as inviter', 'inviter.account_uid', 'invitation.inviter_uid')
    .select([
      'invitation.email',
      'invitation.organisation_uid',
      'token_hash',
      'expires_at',
      'accepted_at',
      'organisation.signing_public_key',
      'inviter.email as inviter_email',
      'inviter.administrator',
      'inviter.in_roster',
    ])
    .where('invitation_uid', '=', uidBytes(uidOf(invitationUid)))
    .executeTakeFirst();
  const rightToken = equal(row?.token_hash ?? new Uint8Array(32), sha256(token));
  const honoured = row && row.administrator && row.in_roster; // who was removed since invites nobody
  if (!honoured || !rightToken || row.accepted_at > 0 || row.expires_at <= now)
    throw new ProtocolError('not-found', 'the invitation is not valid, or not any more');
  return {
    email: row.email,
    organisationUid: row.organisation_uid,
    organisationKey: row.signing_public_key,
    inviterEmail: row.inviter_email,
  };
}

/** In the transaction that makes the account. Throws `not-found` when somebody was faster. */
export async function acceptInvitation(
  tx: Tx,
  invitationUid: Uint8Array,
  { accountUid, proof }: { readonly accountUid: Uid; readonly proof: Uint8Array },
  now: number,
): Promise<void> {
  if (proof.length !== 32) throw new ProtocolError('malformed', 'the proof has 32 bytes');
  const { numUpdatedRows } = await tx
    .updateTable('invitation')
    .set({ accepted_at: now, account_uid: uidBytes(accountUid), proof })
    .where('invitation_uid', '=', uidBytes(uidOf(invitationUid)))
    .where('account_uid', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new ProtocolError('not-found', 'the invitation is not valid, or not any more');
}

/** Accounts that accepted and that no roster names yet. */
export async function listPending(db: Database, organisationUid: Uint8Array) {
  const rows = await db
    .selectFrom('invitation')
    .innerJoin('account', 'account.account_uid', 'invitation.account_uid')
    .select(['account.account_uid', 'account.email', 'certificate', 'invitation_uid', 'proof'])
    .where('invitation.organisation_uid', '=', organisationUid)
    .where('in_roster', '=', false)
    .orderBy('accepted_at')
    .execute();
  return rows.map((row) => ({
    accountUid: row.account_uid,
    email: row.email,
    certificate: decodeCertificate(row.certificate),
    invitationUid: row.invitation_uid,
    ...(row.proof && { proof: row.proof }),
  }));
}

async function dropExpired(tx: Tx, now: number): Promise<void> {
  await tx.deleteFrom('invitation').where('account_uid', 'is', null).where('expires_at', '<=', now).execute();
}

async function requireRoom(tx: Tx, organisationUid: Uint8Array): Promise<void> {
  const { count } = await tx
    .selectFrom('invitation')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('organisation_uid', '=', organisationUid)
    .executeTakeFirstOrThrow();
  if (Number(count) >= limits.invitations)
    throw new ProtocolError('limit-reached', 'too many open invitations');
}

/** Of other organisations it says nothing: whoever founds one would learn who has an account (attack class 19). */
async function requireNewAddress(tx: Tx, organisationUid: Uint8Array, email: string): Promise<void> {
  const taken = await tx
    .selectFrom('account')
    .select('account_uid')
    .where('email', '=', email)
    .where('organisation_uid', '=', organisationUid)
    .executeTakeFirst();
  if (taken) throw new ProtocolError('conflict', 'there is an account of that address already');
}
