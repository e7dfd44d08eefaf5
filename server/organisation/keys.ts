// Keys on their way from an administrator to a member: sealed to the member, signed by the organisation.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  OrganisationKeyKind,
  type KeepOrganisationKeysRequest,
  type KeyOffer,
  type TeamKey,
} from '../../protocol/messages/gen/organisation_pb.js';
import { GranteeKind } from '../../protocol/messages/gen/sharing_pb.js';
import { verifyKeyOffer, verifyTeamKey } from '../../protocol/signed/organisation.ts';
import type { Roster } from '../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { checkSealedKey } from '../login/bundle.ts';
import { uidArray } from '../records/feed.ts';
import type { Database, Tx } from '../store/database.ts';
import { existing, memberIn } from './rosters.ts';

/** Of one roster: a team of everybody, and three keys to each. */
const mostKeys = 15_000;
/** Of 250 bytes each; beside roster, settings and successions there is room for few. */
const teamKeysAtFirst = 1_000;
/** ECIES of 32 bytes. */
const sealedLength = 93 + 32;

/** Throws `malformed`, `too-large` or `bad-signature`. */
export async function storeTeamKeys(
  tx: Tx,
  organisationKey: Uint8Array,
  roster: Roster,
  keys: readonly TeamKey[],
): Promise<void> {
  requireFew(keys);
  const versions = new Map(roster.teams.map((team) => [team.teamUid, team]));
  const there = await existing(tx, roster, new Set(keys.map(({ memberUid }) => memberIn(roster, memberUid))));
  for (const { teamUid, memberUid, keyVersion, sealedKey, signature } of keys) {
    const team = versions.get(uidOf(teamUid));
    const member = uidOf(memberUid);
    if (team?.keyVersion !== keyVersion || !team.memberUids.includes(member))
      throw new ProtocolError('malformed', 'a key of no such team');
    requireSealed(sealedKey);
    verifyTeamKey(
      organisationKey,
      { teamUid: team.teamUid, memberUid: member, keyVersion, sealedKey },
      signature,
    );
    if (!there.has(member)) continue;
    await tx
      .insertInto('team_key')
      .values({
        team_uid: teamUid,
        member_uid: memberUid,
        key_version: keyVersion,
        sealed_key: sealedKey,
        signature,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['team_uid', 'member_uid', 'key_version'])
          .doUpdateSet({ sealed_key: sealedKey, signature }),
      )
      .execute();
  }
}

/** Throws `malformed`, `too-large` or `bad-signature`. */
export async function storeOffers(
  tx: Tx,
  organisationKey: Uint8Array,
  roster: Roster,
  offers: readonly KeyOffer[],
): Promise<void> {
  requireFew(offers);
  const there = await existing(
    tx,
    roster,
    new Set(offers.map(({ memberUid }) => memberIn(roster, memberUid))),
  );
  for (const { kind, memberUid, sealedKey, signature } of offers) {
    const member = uidOf(memberUid);
    if (!(kind in columns)) throw new ProtocolError('malformed', 'no such key');
    requireSealed(sealedKey);
    verifyKeyOffer(organisationKey, { kind, memberUid: member, sealedKey }, signature);
    if (!there.has(member)) continue;
    await tx
      .insertInto('key_offer')
      .values({ member_uid: memberUid, kind, sealed_key: sealedKey, signature })
      .onConflict((conflict) =>
        conflict.columns(['member_uid', 'kind']).doUpdateSet({ sealed_key: sealedKey, signature }),
      )
      .execute();
  }
}

/**
 * With a new roster: keys of teams that are replaced and to which nothing is sealed any more. Those of teams that are no
 * more, and of who left one, go with them.
 */
export async function forgetTeamKeys(tx: Tx, { teams }: Roster): Promise<void> {
  await sql`
    DELETE FROM team_key former
    USING unnest(${uidArray(teams.map(({ teamUid }) => teamUid))},
      ${teams.map(({ keyVersion }) => keyVersion)}::integer[]) present(team_uid, key_version)
    WHERE former.team_uid = present.team_uid AND former.key_version < present.key_version
      AND NOT EXISTS (SELECT FROM sharing_grant given
        WHERE given.grantee_uid = former.team_uid AND given.grantee_kind = ${GranteeKind.TEAM}
          AND given.grantee_key_version IN (0, former.key_version))`.execute(tx);
}

/** The account's keys of teams after that one, in order; `hasMore` when there are more than so many. */
export async function readTeamKeys(
  db: Database,
  accountUid: Uid,
  after: { readonly teamUid: Uint8Array; readonly keyVersion: number },
  most: number,
) {
  const member_uid = uidBytes(accountUid);
  const keys = await db
    .selectFrom('team_key')
    .select(['team_uid', 'key_version', 'sealed_key', 'signature'])
    .where('member_uid', '=', member_uid)
    .where(sql<boolean>`(team_uid, key_version) > (${after.teamUid}::bytea, ${after.keyVersion}::bigint)`)
    .orderBy('team_uid')
    .orderBy('key_version')
    .limit(most + 1)
    .execute();
  return {
    teamKeys: keys.slice(0, most).map(({ team_uid, key_version, sealed_key, signature }) => ({
      ...{ teamUid: team_uid, memberUid: member_uid, keyVersion: key_version },
      ...{ sealedKey: sealed_key, signature },
    })),
    hasMore: keys.length > most,
  };
}

/** What an account was sent and has not kept, and the first of its teams' keys. */
export async function readKeys(db: Database, accountUid: Uid) {
  const first = { teamUid: new Uint8Array(0), keyVersion: 0 };
  const { teamKeys, hasMore: moreTeamKeys } = await readTeamKeys(db, accountUid, first, teamKeysAtFirst);
  const member_uid = uidBytes(accountUid);
  const offers = await db
    .selectFrom('key_offer')
    .select(['kind', 'sealed_key', 'signature'])
    .where('member_uid', '=', member_uid)
    .execute();
  return {
    ...{ teamKeys, moreTeamKeys },
    offers: offers.map(({ kind, sealed_key, signature }) => ({
      ...{ kind, memberUid: member_uid, sealedKey: sealed_key, signature },
    })),
  };
}

const columns: Readonly<Record<number, 'data' | 'signing' | 'recovery'>> = {
  [OrganisationKeyKind.DATA]: 'data',
  [OrganisationKeyKind.SIGNING]: 'signing',
  [OrganisationKeyKind.RECOVERY]: 'recovery',
};

/**
 * Each key that is given takes the place of the one before and of its offer. Throws `malformed`, and `not-allowed` for
 * an administrator's key of anybody else.
 */
export async function keepKeys(tx: Tx, accountUid: Uid, input: KeepOrganisationKeysRequest): Promise<void> {
  const given = {
    sealed_organisation_data_key: input.sealedDataKey,
    sealed_organisation_key: input.sealedSigningKey,
    sealed_organisation_recovery_key: input.sealedRecoveryKey,
  };
  const kept = Object.entries(given).filter(([, sealed]) => sealed.length > 0);
  if (kept.length === 0) return;
  let update = tx
    .updateTable('account')
    .set(Object.fromEntries(kept.map(([column, sealed]) => [column, checkSealedKey(sealed)])))
    .where('account_uid', '=', uidBytes(accountUid));
  if (input.sealedSigningKey.length > 0 || input.sealedRecoveryKey.length > 0)
    update = update.where('in_roster', '=', true).where('administrator', '=', true);
  const { numUpdatedRows } = await update.executeTakeFirst();
  if (numUpdatedRows === 0n) throw new ProtocolError('not-allowed', 'administrators keep that key');
  const kinds = [
    ...(input.sealedDataKey.length > 0 ? [OrganisationKeyKind.DATA] : []),
    ...(input.sealedSigningKey.length > 0 ? [OrganisationKeyKind.SIGNING] : []),
    ...(input.sealedRecoveryKey.length > 0 ? [OrganisationKeyKind.RECOVERY] : []),
  ];
  await sql`DELETE FROM key_offer WHERE member_uid = ${uidBytes(accountUid)}
    AND kind = ANY(${kinds}::smallint[])`.execute(tx);
}

function requireFew(keys: readonly unknown[]): void {
  if (keys.length > mostKeys) throw new ProtocolError('too-large', 'too many keys at once');
}

function requireSealed(sealed: Uint8Array): void {
  if (sealed.length !== sealedLength) throw new ProtocolError('malformed', 'not a sealed key');
}
