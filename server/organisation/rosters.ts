// Rosters in the store: the newest whole, every one as a link of the chain, and what the server itself needs of them.
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { SignedRosterSchema, type SignedRoster } from '../../protocol/messages/gen/account_pb.js';
import {
  OrganisationKeyKind,
  RosterDeltaSchema,
  type GetOrganisationRequest,
} from '../../protocol/messages/gen/organisation_pb.js';
import { diffRoster } from '../../protocol/signed/roster-delta.ts';
import { verifyRoster, type Roster } from '../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { decodeSignedRoster } from '../login/bundle.ts';
import { stillPending } from '../key-rotation/successions.ts';
import { uidArray } from '../records/feed.ts';
import { followRoster, recoveryKeyOf } from '../recovery/enrolments.ts';
import type { Database, Tx } from '../store/database.ts';
import { holdOrganisation, type Membership } from './membership.ts';

/** Changes of a roster in one answer; of more the whole roster is the shorter way. */
const mostDeltas = { count: 64, bytes: 512 * 1024 };

/**
 * Links after the known version, oldest first, and the newest roster when they lead up to it; as changes of the known one
 * when the caller has that.
 */
export async function readRosters(
  db: Database,
  organisationUid: Uint8Array,
  { knownRosterVersion: known, changesOnly }: GetOrganisationRequest,
) {
  const { roster, roster_version } = await db
    .selectFrom('organisation')
    .select(['roster', 'roster_version'])
    .where('organisation_uid', '=', organisationUid)
    .executeTakeFirstOrThrow();
  if (known >= BigInt(roster_version)) return { links: [] };
  const rows = await db
    .selectFrom('roster_link')
    .select(['version', 'parent_hash', 'roster_hash', 'signature', 'delta'])
    .where('organisation_uid', '=', organisationUid)
    .where('version', '>', Number(known))
    .where('version', '<=', roster_version)
    .orderBy('version')
    .limit(limits.rosterLinks)
    .execute();
  const links = rows.map(({ version, parent_hash, roster_hash, signature }) => ({
    version: BigInt(version),
    parentHash: parent_hash,
    rosterHash: roster_hash,
    signature,
  }));
  const whole = known + BigInt(links.length) === BigInt(roster_version);
  if (!whole) return { links };
  const signed = decodeSignedRoster(roster);
  const deltas = rows.map(({ delta }) => delta);
  const size = deltas.reduce((sum, { length }) => sum + length, 0);
  const isShort = deltas.every(({ length }) => length > 0) && size <= mostDeltas.bytes;
  if (!changesOnly || !isShort || deltas.length > mostDeltas.count || size >= signed.roster.length)
    return { links, roster: signed };
  return {
    links,
    roster: { ...signed, roster: new Uint8Array(0) },
    deltas: deltas.map((delta) => decodeMessage(RosterDeltaSchema, delta)),
  };
}

/** Empty when the whole is no longer. */
function encodeDelta(from: Uint8Array, to: Uint8Array): Uint8Array {
  const delta = encodeMessage(RosterDeltaSchema, diffRoster(from, to));
  return delta.length < to.length ? delta : new Uint8Array(0);
}

/** A roster as one link of the chain. */
export async function insertLink(
  tx: Tx,
  organisationUid: Uint8Array,
  roster: { readonly version: bigint; readonly parentHash: Uint8Array },
  signed: Pick<SignedRoster, 'roster' | 'signature'>,
  parent: Uint8Array | null = null,
): Promise<void> {
  await tx
    .insertInto('roster_link')
    .values({
      organisation_uid: organisationUid,
      version: Number(roster.version),
      parent_hash: roster.parentHash,
      roster_hash: sha256(signed.roster),
      signature: signed.signature,
      delta: parent === null ? new Uint8Array(0) : encodeDelta(parent, signed.roster),
    })
    .execute();
}

/** What a roster changed for sharing. */
export interface StoredRoster {
  readonly roster: Roster;
  readonly left: readonly Uid[];
  /** Whose members are others, or that are no more. */
  readonly teams: readonly Uid[];
}

/**
 * Takes the next roster. Throws `conflict` when it does not follow from the stored one, `not-allowed` when it leaves no
 * administrator who could sign the next.
 */
export async function storeRoster(
  tx: Tx,
  { organisationUid, organisationKey }: Membership,
  signed: SignedRoster,
): Promise<StoredRoster> {
  const stored = await holdOrganisation(tx, organisationUid);
  const expected = { organisationUid: uidOf(organisationUid), organisationKey, minimumVersion: 1n };
  const roster = verifyRoster(signed, expected);
  const parent = decodeSignedRoster(stored.roster).roster;
  if (roster.version !== BigInt(stored.roster_version) + 1n || !equal(roster.parentHash, sha256(parent)))
    throw new ProtocolError('conflict', 'there is a newer roster');
  await tx
    .updateTable('organisation')
    .set({
      roster: encodeMessage(SignedRosterSchema, {
        ...signed,
        successions: stillPending(stored.roster, roster),
      }),
      roster_version: Number(roster.version),
    })
    .where('organisation_uid', '=', organisationUid)
    .execute();
  await insertLink(tx, organisationUid, roster, signed, parent);
  const left = await storeMembers(tx, organisationUid, roster);
  const recovery = { before: recoveryKeyOf(stored.roster), now: roster.recoveryPublicKey };
  await followRoster(tx, organisationUid, recovery);
  const teams = await storeTeams(tx, organisationUid, roster);
  await requireAdministratorLeft(tx, organisationUid);
  return { roster, left, teams };
}

/** Accounts that are in it no more. */
async function storeMembers(tx: Tx, organisationUid: Uint8Array, roster: Roster): Promise<Uid[]> {
  const members = uidArray(roster.members.map(({ accountUid }) => accountUid));
  const administrators = uidArray(
    roster.members.filter(({ administrator }) => administrator).map(({ accountUid }) => accountUid),
  );
  const { rows } = await sql<{ account_uid: Uint8Array }>`
    WITH former AS (
      SELECT account_uid, in_roster FROM account WHERE organisation_uid = ${organisationUid}
    ), changed AS (
      UPDATE account SET in_roster = account.account_uid = ANY(${members}),
        administrator = account.account_uid = ANY(${administrators}),
        sealed_organisation_key = CASE WHEN account.account_uid = ANY(${administrators})
          THEN sealed_organisation_key END,
        sealed_organisation_recovery_key = CASE WHEN account.account_uid = ANY(${administrators})
          THEN sealed_organisation_recovery_key END
      FROM former WHERE former.account_uid = account.account_uid
      RETURNING account.account_uid, account.in_roster, former.in_roster AS was
    )
    SELECT account_uid FROM changed WHERE was AND NOT in_roster`.execute(tx);
  await sql`DELETE FROM invitation WHERE organisation_uid = ${organisationUid}
    AND account_uid = ANY(${members})`.execute(tx);
  await sql`DELETE FROM key_offer USING account WHERE key_offer.member_uid = account.account_uid
    AND organisation_uid = ${organisationUid}
    AND (NOT in_roster OR (NOT administrator AND kind <> ${OrganisationKeyKind.DATA}))`.execute(tx);
  return rows.map(({ account_uid }) => uidOf(account_uid));
}

/** Teams that somebody came into or left, and those that are no more. */
async function storeTeams(tx: Tx, organisationUid: Uint8Array, { teams }: Roster): Promise<Uid[]> {
  const teamUids = uidArray(teams.map(({ teamUid }) => teamUid));
  const pairs = teams.flatMap(({ teamUid, memberUids }) =>
    memberUids.map((memberUid) => [teamUid, memberUid] as const),
  );
  const ofTeam = uidArray(pairs.map(([teamUid]) => teamUid));
  const ofMember = uidArray(pairs.map(([, memberUid]) => memberUid));
  await sql`INSERT INTO organisation_team (team_uid, organisation_uid)
    SELECT uid, ${organisationUid} FROM unnest(${teamUids}) uid ON CONFLICT DO NOTHING`.execute(tx);
  await requireOwnTeams(tx, organisationUid, teams.length, teamUids);
  const { rows } = await sql<{ team_uid: Uint8Array }>`
    WITH wanted AS MATERIALIZED (
      SELECT team_uid, member_uid FROM unnest(${ofTeam}, ${ofMember}) pair(team_uid, member_uid)
      JOIN account ON account_uid = member_uid AND organisation_uid = ${organisationUid}
    ), gone AS (
      DELETE FROM organisation_team_member present USING organisation_team team
      WHERE team.team_uid = present.team_uid AND organisation_uid = ${organisationUid}
        AND (present.team_uid, present.account_uid) NOT IN (SELECT team_uid, member_uid FROM wanted)
      RETURNING present.team_uid
    ), come AS (
      INSERT INTO organisation_team_member (team_uid, account_uid)
      SELECT team_uid, member_uid FROM wanted ON CONFLICT DO NOTHING RETURNING team_uid
    )
    SELECT team_uid FROM gone UNION SELECT team_uid FROM come`.execute(tx);
  const ended = await sql<{ team_uid: Uint8Array }>`DELETE FROM organisation_team
    WHERE organisation_uid = ${organisationUid} AND NOT team_uid = ANY(${teamUids}) RETURNING team_uid`.execute(
    tx,
  );
  return [...new Set([...rows, ...ended.rows].map(({ team_uid }) => uidOf(team_uid)))];
}

async function requireOwnTeams(
  tx: Tx,
  organisationUid: Uint8Array,
  count: number,
  teamUids: ReturnType<typeof uidArray>,
): Promise<void> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM organisation_team
    WHERE organisation_uid = ${organisationUid} AND team_uid = ANY(${teamUids})`.execute(tx);
  if (rows[0]?.count !== count) throw new ProtocolError('conflict', 'the team is of another organisation');
}

async function requireAdministratorLeft(tx: Tx, organisationUid: Uint8Array): Promise<void> {
  const left = await tx
    .selectFrom('account')
    .select('account_uid')
    .where('organisation_uid', '=', organisationUid)
    .where('in_roster', '=', true)
    .where('administrator', '=', true)
    .limit(1)
    .executeTakeFirst();
  if (!left) throw new ProtocolError('not-allowed', 'the organisation needs an administrator');
}

/** UID of bytes that are a member's of that roster. Throws `malformed`. */
export function memberIn(roster: Roster, memberUid: Uint8Array): Uid {
  const uid = uidOf(memberUid);
  if (!roster.members.some(({ accountUid }) => accountUid === uid))
    throw new ProtocolError('malformed', 'a key for somebody who is no member');
  return uid;
}

/** Those whose account is there, of this organisation: a member's account may have been deleted, or be another one's. */
export async function existing(
  tx: Tx,
  { organisationUid }: Roster,
  uids: Iterable<Uid>,
): Promise<ReadonlySet<Uid>> {
  const rows = await tx
    .selectFrom('account')
    .select('account_uid')
    .where('organisation_uid', '=', uidBytes(organisationUid))
    .where(sql<boolean>`account_uid = ANY(${uidArray(uids)})`)
    .execute();
  return new Set(rows.map(({ account_uid }) => uidOf(account_uid)));
}
