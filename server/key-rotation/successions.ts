// How the keys of accounts followed from one another. Clients verify each step; the server hands them out.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  RosterSchema,
  SignedRosterSchema,
  type KeySuccession,
} from '../../protocol/messages/gen/account_pb.js';
import { requireIdentity, type AccountIdentity } from '../../protocol/signed/account-certificate.ts';
import {
  isSameIdentity,
  parseSuccession,
  stepsFrom,
  verifySuccession,
} from '../../protocol/signed/key-succession.ts';
import type { Roster } from '../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { holdOrganisation } from '../organisation/membership.ts';
import { uidArray } from '../records/feed.ts';
import type { Database, Tx } from '../store/database.ts';

/** The oldest first. */
export async function readSuccessions(db: Database | Tx, accounts: readonly (Uid | Uint8Array)[]) {
  const rows = await db
    .selectFrom('key_succession')
    .select(['body', 'former_signature', 'signature'])
    .where(sql<boolean>`account_uid = ANY(${uidArray(accounts)})`)
    .orderBy('account_uid')
    .orderBy('number')
    .execute();
  return rows.map(({ body, former_signature, signature }) => ({
    ...{ body, signature },
    formerSignature: former_signature,
  }));
}

/**
 * Keeps the step from one pair of keys to the next, and shows it beside the roster. Throws `bad-signature`, `malformed`,
 * `conflict` when it is not the account's next, `limit-reached` when nobody certifies what was there before.
 */
export async function storeSuccession(
  tx: Tx,
  { organisationUid, former, next }: SuccessionParties,
  message: KeySuccession | undefined,
): Promise<void> {
  if (!message) throw new ProtocolError('malformed', 'no succession');
  const succession = verifySuccession(message);
  if (succession.organisationUid !== uidOf(organisationUid))
    throw new ProtocolError('malformed', 'a succession of another organisation');
  requireIdentity(succession.next, next);
  const account_uid = uidBytes(next.accountUid);
  const { count } = await tx
    .selectFrom('key_succession')
    .select((select) => select.fn.max('number').as('count'))
    .where('account_uid', '=', account_uid)
    .executeTakeFirstOrThrow();
  if (!isSameIdentity(succession.former, former) || succession.number !== (count ?? 0) + 1)
    throw new ProtocolError('conflict', 'the keys are others by now');
  const { body, formerSignature: former_signature, signature } = message;
  await tx
    .insertInto('key_succession')
    .values({ account_uid, number: succession.number, body, former_signature, signature })
    .execute();
  await tx
    .deleteFrom('key_succession')
    .where('account_uid', '=', account_uid)
    .where('number', '<=', succession.number - limits.keySuccessions)
    .execute();
  await showBesideRoster(tx, organisationUid, message);
}

interface SuccessionParties {
  readonly organisationUid: Uint8Array;
  readonly former: AccountIdentity;
  readonly next: AccountIdentity;
}

async function showBesideRoster(tx: Tx, organisationUid: Uint8Array, message: KeySuccession): Promise<void> {
  const stored = await holdOrganisation(tx, organisationUid);
  const signed = decodeMessage(SignedRosterSchema, stored.roster);
  if (signed.successions.length >= limits.pendingSuccessions)
    throw new ProtocolError('limit-reached', 'an administrator has to sign in first');
  await tx
    .updateTable('organisation')
    .set({
      roster: encodeMessage(SignedRosterSchema, { ...signed, successions: [...signed.successions, message] }),
      succession_version: sql<number>`succession_version + 1`,
    })
    .where('organisation_uid', '=', organisationUid)
    .execute();
}

/** Of the steps that were shown beside the stored roster (encoded SignedRoster): those that the next one has not taken. */
export function stillPending(stored: Uint8Array, next: Roster): KeySuccession[] {
  const { successions, roster } = decodeMessage(SignedRosterSchema, stored);
  if (successions.length === 0) return [];
  const { organisationUid } = decodeMessage(RosterSchema, roster);
  const keys = new Map(next.members.map((member) => [member.accountUid, member]));
  return successions.filter((message) => {
    const member = keys.get(parseSuccession(message).next.accountUid);
    const left = member ? stepsFrom(uidOf(organisationUid), member, successions) : [];
    return left.some((step) => isSameIdentity(step.next, parseSuccession(message).next));
  });
}
