import { equal, uint32, type Bytes } from '../bytes.ts';
import { ecdhPublicKey, type EcdhKeyPair } from '../crypto/ecdh.ts';
import type { Signer } from '../crypto/ecdsa.ts';
import { openWithPrivateKey, sealToPublicKey } from '../crypto/ecies.ts';
import { ProtocolError } from '../errors.ts';
import { OrganisationKeyKind, type KeyOffer, type TeamKey } from '../messages/gen/organisation_pb.js';
import { signKeyOffer, signTeamKey, verifyKeyOffer, verifyTeamKey } from '../signed/organisation.ts';
import type { RosterMember, RosterTeam } from '../signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** A key that the members of an organisation, or its administrators, hand on among themselves. protocol.md §20.3. */
export type OrganisationKeyName = 'data' | 'signing' | 'recovery';

const kinds: Readonly<Record<OrganisationKeyName, OrganisationKeyKind>> = {
  data: OrganisationKeyKind.DATA,
  signing: OrganisationKeyKind.SIGNING,
  recovery: OrganisationKeyKind.RECOVERY,
};

type Recipient = Pick<RosterMember, 'accountUid' | 'ecdhPublicKey'>;

/** Raw key (32 bytes) to one member, signed by the organisation. */
export async function offerKey(
  organisation: Signer,
  organisationUid: Uid,
  name: OrganisationKeyName,
  { accountUid, ecdhPublicKey }: Recipient,
  key: Bytes,
): Promise<{ kind: OrganisationKeyKind; memberUid: Bytes; sealedKey: Bytes; signature: Bytes }> {
  const kind = kinds[name];
  const objects = [organisationUid, accountUid, uint32(kind)];
  const sealedKey = await sealToPublicKey(ecdhPublicKey, 'organisation-key', objects, key);
  const signature = await signKeyOffer(organisation, { kind, memberUid: accountUid, sealedKey });
  return { kind, memberUid: uidBytes(accountUid), sealedKey, signature };
}

/** Of a message's number. Throws `malformed`. */
export function keyNameOf(kind: OrganisationKeyKind): OrganisationKeyName {
  if (kind === OrganisationKeyKind.DATA) return 'data';
  if (kind === OrganisationKeyKind.SIGNING) return 'signing';
  if (kind === OrganisationKeyKind.RECOVERY) return 'recovery';
  throw new ProtocolError('malformed', 'no such key of an organisation');
}

/** The raw key that was offered to this member, 32 bytes. Throws `bad-signature`, `open-failed` or `malformed`. */
export async function openKeyOffer(
  own: EcdhKeyPair,
  ownUid: Uid,
  organisation: { readonly uid: Uid; readonly publicKey: Bytes },
  { kind, sealedKey, signature }: KeyOffer,
): Promise<Bytes> {
  verifyKeyOffer(organisation.publicKey, { kind, memberUid: ownUid, sealedKey }, signature);
  const objects = [organisation.uid, ownUid, uint32(kind)];
  return requireKey(await openWithPrivateKey(own, 'organisation-key', objects, sealedKey));
}

/** A team's private key (32 bytes) to one member, signed by the organisation. */
export async function sealTeamKey(
  organisation: Signer,
  { teamUid, keyVersion }: Pick<RosterTeam, 'teamUid' | 'keyVersion'>,
  { accountUid, ecdhPublicKey: memberKey }: Recipient,
  privateKey: Bytes,
): Promise<{ teamUid: Bytes; memberUid: Bytes; keyVersion: number; sealedKey: Bytes; signature: Bytes }> {
  const objects = [teamUid, accountUid, uint32(keyVersion)];
  const sealedKey = await sealToPublicKey(memberKey, 'team-key', objects, privateKey);
  const signature = await signTeamKey(organisation, {
    teamUid,
    memberUid: accountUid,
    keyVersion,
    sealedKey,
  });
  return { teamUid: uidBytes(teamUid), memberUid: uidBytes(accountUid), keyVersion, sealedKey, signature };
}

/** The team's key pair of that version. Throws `bad-signature`, `open-failed` or `malformed`. */
export async function openTeamKey(
  own: EcdhKeyPair,
  ownUid: Uid,
  organisationKey: Uint8Array,
  message: Pick<TeamKey, 'teamUid' | 'keyVersion' | 'sealedKey' | 'signature'>,
): Promise<EcdhKeyPair> {
  const { keyVersion, sealedKey, signature } = message;
  const teamUid = uidOf(message.teamUid);
  verifyTeamKey(organisationKey, { teamUid, memberUid: ownUid, keyVersion, sealedKey }, signature);
  const objects = [teamUid, ownUid, uint32(keyVersion)];
  const privateKey = requireKey(await openWithPrivateKey(own, 'team-key', objects, sealedKey));
  return { privateKey, publicKey: ecdhPublicKey(privateKey) };
}

/** Throws `untrusted` unless it is the key that the roster names for this team. */
export function requireTeamKey(team: RosterTeam, pair: EcdhKeyPair): void {
  if (!equal(team.ecdhPublicKey, pair.publicKey))
    throw new ProtocolError('untrusted', 'the roster names another key of this team');
}

function requireKey(key: Bytes): Bytes {
  if (key.length !== 32) throw new ProtocolError('malformed', 'a key has 32 bytes');
  return key;
}
