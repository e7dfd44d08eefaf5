// Grants: who gave whom what. protocol.md §19.2.
import type { KeyObject } from 'node:crypto';
import { sql } from 'kysely';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { GranteeKind, ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { requireSignatures } from '../records/signatures.ts';
import type { Tx } from '../store/database.ts';
import { bitsOf, isWithinBits, never, rightsBits } from './rights-bits.ts';
import { requireEachOnce, type CheckedGrant } from './sharing-bounds.ts';
import { readFolders, readRecords, type SharedState } from './shared-objects.ts';

/** Who shares, under the organisation's lock `to-share`. */
export interface Party {
  readonly tx: Tx;
  readonly caller: Uid;
  readonly key: KeyObject;
  readonly organisation: Uint8Array;
  readonly now: number;
}

/**
 * Stores what the caller gives. Throws `bad-signature`, `not-found` for an object that the caller does not see or a
 * grantee of elsewhere, `not-allowed`, `conflict` for another owner or key, `limit-reached`.
 */
export async function storeGrants(party: Party, grants: readonly CheckedGrant[]): Promise<void> {
  if (grants.length === 0) return;
  requireEachOnce(grants.map((grant) => `${grant.objectKind} ${grant.objectUid} ${grant.granteeUid}`));
  await requireSignatures(
    party.key,
    signatureContexts.grant,
    grants.map(({ message }) => ({ message: message.body, signature: message.signature })),
  );
  const ofKind = (kind: CheckedGrant['objectKind']) =>
    grants.filter(({ objectKind }) => objectKind === kind).map(({ objectUid }) => objectUid);
  const records = await readRecords(party, ofKind('record'));
  const folders = await readFolders(party, ofKind('folder'));
  for (const grant of grants)
    requireGiven(
      party.caller,
      grant,
      (grant.objectKind === 'record' ? records : folders).get(grant.objectUid),
    );
  await requireGrantees(party, grants);
  await upsert(party.tx, grants);
  await requireRoom(party.tx, grants);
}

function requireGiven(caller: Uid, grant: CheckedGrant, object: SharedState | undefined): void {
  if (!object) throw new ProtocolError('not-found', 'no such record or folder');
  if (grant.ownerUid !== object.ownerUid || grant.keyVersion !== object.keyVersion)
    throw new ProtocolError('conflict', 'its owner or key has changed');
  if (grant.granteeUid === object.ownerUid) throw new ProtocolError('malformed', 'a grant to the owner');
  if (object.ownerUid === caller) return;
  const mayGive = grant.objectKind === 'record' ? rightsBits.share : rightsBits.manageMembers;
  const given = bitsOf(grant.rights);
  const allowed = (object.rights & mayGive) !== 0 && !grant.rights.own && isWithinBits(given, object.rights);
  if (!allowed) throw new ProtocolError('not-allowed', 'this is not yours to give');
}

/** Members of the organisation, and its teams. */
async function requireGrantees({ tx, organisation }: Party, grants: readonly CheckedGrant[]): Promise<void> {
  const uidsOf = (kind: CheckedGrant['granteeKind']) =>
    new Set(grants.filter(({ granteeKind }) => granteeKind === kind).map(({ granteeUid }) => granteeUid));
  const accounts = uidsOf('account');
  const teams = uidsOf('team');
  const { rows } = await sql<{ found: number }>`
    SELECT (SELECT count(*) FROM account WHERE account_uid = ANY(${uidArray(accounts)})
        AND organisation_uid = ${organisation} AND in_roster)
      + (SELECT count(*) FROM organisation_team WHERE team_uid = ANY(${uidArray(teams)})
        AND organisation_uid = ${organisation}) AS found`.execute(tx);
  if (rows[0]?.found !== accounts.size + teams.size)
    throw new ProtocolError('not-found', 'no such person or team in the organisation');
}

async function upsert(tx: Tx, grants: readonly CheckedGrant[]): Promise<void> {
  const bytes = (read: (grant: CheckedGrant) => Uint8Array) =>
    grants.map((grant) => Buffer.from(read(grant)));
  await sql`
    INSERT INTO sharing_grant (object_kind, object_uid, grantee_kind, grantee_uid, granter_uid, rights, expires_at,
      key_version, body, signature, sealed_key, grantee_key_version)
    SELECT * FROM unnest(
      ${grants.map(({ objectKind }) => (objectKind === 'record' ? ObjectKind.RECORD : ObjectKind.FOLDER))}::smallint[],
      ${uidArray(grants.map(({ objectUid }) => objectUid))},
      ${grants.map(({ granteeKind }) => (granteeKind === 'team' ? GranteeKind.TEAM : GranteeKind.ACCOUNT))}::smallint[],
      ${uidArray(grants.map(({ granteeUid }) => granteeUid))},
      ${uidArray(grants.map(({ granterUid }) => granterUid))},
      ${grants.map(({ rights }) => bitsOf(rights))}::integer[],
      ${grants.map(({ expiresAtMs }) => expiresAtMs || never)}::bigint[],
      ${grants.map(({ keyVersion }) => keyVersion)}::integer[],
      ${bytes(({ message }) => message.body)}::bytea[],
      ${bytes(({ message }) => message.signature)}::bytea[],
      ${bytes(({ message }) => message.sealedKey)}::bytea[],
      ${grants.map(({ granteeKeyVersion }) => granteeKeyVersion)}::integer[])
    ON CONFLICT (object_uid, object_kind, grantee_uid, granter_uid) DO UPDATE SET
      grantee_kind = excluded.grantee_kind, rights = excluded.rights, expires_at = excluded.expires_at,
      key_version = excluded.key_version, body = excluded.body, signature = excluded.signature,
      sealed_key = excluded.sealed_key, grantee_key_version = excluded.grantee_key_version`.execute(tx);
}

async function requireRoom(tx: Tx, grants: readonly CheckedGrant[]): Promise<void> {
  const { rows } = await sql`
    SELECT object_uid FROM sharing_grant
    WHERE object_uid = ANY(${uidArray(new Set(grants.map(({ objectUid }) => objectUid)))})
    GROUP BY object_uid, object_kind HAVING count(*) > ${limits.grantsPerObject} LIMIT 1`.execute(tx);
  if (rows.length > 0) throw new ProtocolError('limit-reached', 'it is shared with too many');
}

/**
 * Takes from these grantees what they were given on an object. Its owner takes everything, and so does who manages the
 * members of a folder; everybody else what they gave themselves, and their own access. Throws `not-allowed`.
 */
export async function removeGrants(
  { tx, caller }: Party,
  kind: CheckedGrant['objectKind'],
  object: { readonly uid: Uid } & SharedState,
  grantees: readonly Uid[],
): Promise<void> {
  const all =
    object.ownerUid === caller || (kind === 'folder' && (object.rights & rightsBits.manageMembers) !== 0);
  const { rows } = await sql<{ grantee_uid: Uint8Array }>`
    DELETE FROM sharing_grant
    WHERE object_uid = ${uidBytes(object.uid)} AND object_kind = ${kind === 'record' ? ObjectKind.RECORD : ObjectKind.FOLDER}
      AND grantee_uid = ANY(${uidArray(grantees)})
      AND (${all} OR granter_uid = ${uidBytes(caller)} OR grantee_uid = ${uidBytes(caller)})
    RETURNING grantee_uid`.execute(tx);
  if (rows.length === 0) throw new ProtocolError('not-allowed', 'nothing here is yours to take');
}

export interface EndedGrants {
  readonly records: readonly Uid[];
  readonly folders: readonly Uid[];
  readonly hasMore: boolean;
}

/** Ends what that account gave the caller as a person, at most so many: in the order of the objects' UIDs. */
export async function leaveGrants({ tx, caller }: Party, granterUid: Uid): Promise<EndedGrants> {
  const { rows } = await sql<{ object_kind: number; object_uid: Uint8Array }>`
    WITH given AS (
      SELECT object_uid, object_kind, grantee_uid, granter_uid FROM sharing_grant
      WHERE granter_uid = ${uidBytes(granterUid)} AND grantee_uid = ${uidBytes(caller)}
      ORDER BY object_uid, object_kind LIMIT ${limits.leftAtOnce})
    DELETE FROM sharing_grant USING given
    WHERE sharing_grant.object_uid = given.object_uid AND sharing_grant.object_kind = given.object_kind
      AND sharing_grant.grantee_uid = given.grantee_uid AND sharing_grant.granter_uid = given.granter_uid
    RETURNING sharing_grant.object_kind, sharing_grant.object_uid`.execute(tx);
  const of = (kind: ObjectKind) =>
    rows.filter(({ object_kind }) => object_kind === Number(kind)).map(({ object_uid }) => uidOf(object_uid));
  return {
    records: of(ObjectKind.RECORD),
    folders: of(ObjectKind.FOLDER),
    hasMore: rows.length === limits.leftAtOnce,
  };
}
