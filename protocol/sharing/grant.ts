import { equal, type Bytes } from '../bytes.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import {
  GrantBodySchema,
  GranteeKind,
  ObjectKind,
  type Grant as GrantMessage,
} from '../messages/gen/sharing_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';
import { rightsOf, type Rights } from './rights.ts';

export type SharedKind = 'record' | 'folder';
export type GranteeType = 'account' | 'team';

/** One person's word that another, or a team, may use an object. protocol.md §19.2. */
export interface Grant {
  readonly objectKind: SharedKind;
  readonly objectUid: Uid;
  readonly ownerUid: Uid;
  readonly granteeKind: GranteeType;
  readonly granteeUid: Uid;
  readonly granterUid: Uid;
  readonly rights: Rights;
  readonly issuedAtMs: number;
  /** 0: no end. */
  readonly expiresAtMs: number;
  /** SHA-256 of the sealed key, 32 bytes. */
  readonly sealedKeyHash: Bytes;
  readonly keyVersion: number;
  /** Of the team's key that it is sealed to; of an account 0. */
  readonly granteeKeyVersion: number;
}

const objectKinds: Readonly<Record<SharedKind, ObjectKind>> = {
  record: ObjectKind.RECORD,
  folder: ObjectKind.FOLDER,
};
const granteeKinds: Readonly<Record<GranteeType, GranteeKind>> = {
  account: GranteeKind.ACCOUNT,
  team: GranteeKind.TEAM,
};

/** Signs a grant over its sealed key (see `sealGrantKey` of protocol/sharing/grant-key.ts). */
export async function signGrant(
  granter: Signer,
  grant: Omit<Grant, 'sealedKeyHash' | 'granteeKeyVersion'> & Partial<Pick<Grant, 'granteeKeyVersion'>>,
  sealedKey: Bytes,
): Promise<{ body: Bytes; signature: Bytes; sealedKey: Bytes }> {
  const body = encodeMessage(GrantBodySchema, {
    objectKind: objectKinds[grant.objectKind],
    objectUid: uidBytes(grant.objectUid),
    ownerUid: uidBytes(grant.ownerUid),
    granteeKind: granteeKinds[grant.granteeKind],
    granteeUid: uidBytes(grant.granteeUid),
    granterUid: uidBytes(grant.granterUid),
    rights: grant.rights,
    issuedAtMs: BigInt(grant.issuedAtMs),
    expiresAtMs: BigInt(grant.expiresAtMs),
    sealedKeyHash: sha256(sealedKey),
    keyVersion: grant.keyVersion,
    granteeKeyVersion: grant.granteeKeyVersion ?? 0,
  });
  return { body, signature: await granter.sign(signatureContexts.grant, body), sealedKey };
}

/** The grant, unverified: enough to look up who must have signed it. Throws `malformed`. */
export function parseGrant(message: Pick<GrantMessage, 'body'>): Grant {
  const body = decodeMessage(GrantBodySchema, message.body);
  if (body.sealedKeyHash.length !== 32) throw new ProtocolError('malformed', 'the hash is not 32 bytes');
  return {
    objectKind: nameOf(objectKinds, body.objectKind),
    objectUid: uidOf(body.objectUid),
    ownerUid: uidOf(body.ownerUid),
    granteeKind: nameOf(granteeKinds, body.granteeKind),
    granteeUid: uidOf(body.granteeUid),
    granterUid: uidOf(body.granterUid),
    rights: rightsOf(body.rights),
    issuedAtMs: momentOf(body.issuedAtMs),
    expiresAtMs: momentOf(body.expiresAtMs),
    sealedKeyHash: new Uint8Array(body.sealedKeyHash),
    keyVersion: body.keyVersion,
    granteeKeyVersion: body.granteeKeyVersion,
  };
}

/** The grant, when that signing key signed it. Throws `malformed` or `bad-signature`. */
export function verifyGrant(
  granterKey: Uint8Array,
  message: Pick<GrantMessage, 'body' | 'signature'>,
): Grant {
  verifySignature(granterKey, signatureContexts.grant, message.body, message.signature);
  return parseGrant(message);
}

/** Throws `bad-signature` when the sealed key is not the one that was signed. */
export function requireSealedKey(grant: Grant, sealedKey: Uint8Array): void {
  if (!equal(sha256(sealedKey), grant.sealedKeyHash))
    throw new ProtocolError('bad-signature', 'another sealed key');
}

function nameOf<Name extends string>(kinds: Readonly<Record<Name, number>>, value: number): Name {
  for (const name in kinds) if (kinds[name] === value) return name;
  throw new ProtocolError('malformed', 'the grant names no such kind');
}

function momentOf(ms: bigint): number {
  if (ms < 0n || ms > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError('malformed', 'not a time');
  return Number(ms);
}
