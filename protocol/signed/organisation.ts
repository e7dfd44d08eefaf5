import { uint32, uint64, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, verifySignatureAside, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { uidBytes, type Uid } from '../uid.ts';

/** A team's private key as it was sealed to one member. protocol.md §20.4. */
export interface TeamKeyStatement {
  readonly teamUid: Uid;
  readonly memberUid: Uid;
  readonly keyVersion: number;
  readonly sealedKey: Uint8Array;
}

/** A key of the organisation as it was sealed to one member. protocol.md §20.3. */
export interface KeyOfferStatement {
  /** Of OrganisationKeyKind. */
  readonly kind: number;
  readonly memberUid: Uid;
  readonly sealedKey: Uint8Array;
}

/** One version of the organisation's settings. protocol.md §20.5. */
export interface SettingsStatement {
  readonly organisationUid: Uid;
  readonly version: bigint;
  readonly sealed: Uint8Array;
}

/** By the organisation's signing key, 64 bytes. */
export function signTeamKey(organisation: Signer, statement: TeamKeyStatement): Promise<Bytes> {
  return organisation.sign(signatureContexts.teamKey, encodeTeamKey(statement));
}

/** Throws `bad-signature`. */
export function verifyTeamKey(
  organisationKey: Uint8Array,
  statement: TeamKeyStatement,
  signature: Uint8Array,
): void {
  verifySignature(organisationKey, signatureContexts.teamKey, encodeTeamKey(statement), signature);
}

/** The same, beside other work: a device that was away may have hundreds to verify. */
export async function verifyTeamKeyAside(
  organisationKey: Uint8Array,
  statement: TeamKeyStatement,
  signature: Uint8Array,
): Promise<void> {
  await verifySignatureAside(organisationKey, signatureContexts.teamKey, encodeTeamKey(statement), signature);
}

/** By the organisation's signing key, 64 bytes. */
export function signKeyOffer(organisation: Signer, statement: KeyOfferStatement): Promise<Bytes> {
  return organisation.sign(signatureContexts.keyOffer, encodeKeyOffer(statement));
}

/** Throws `bad-signature`. */
export function verifyKeyOffer(
  organisationKey: Uint8Array,
  statement: KeyOfferStatement,
  signature: Uint8Array,
): void {
  verifySignature(organisationKey, signatureContexts.keyOffer, encodeKeyOffer(statement), signature);
}

/** By the organisation's signing key, 64 bytes. */
export function signSettings(organisation: Signer, statement: SettingsStatement): Promise<Bytes> {
  return organisation.sign(signatureContexts.organisationSettings, encodeSettings(statement));
}

/** Throws `bad-signature`. */
export function verifySettings(
  organisationKey: Uint8Array,
  statement: SettingsStatement,
  signature: Uint8Array,
): void {
  verifySignature(
    organisationKey,
    signatureContexts.organisationSettings,
    encodeSettings(statement),
    signature,
  );
}

function encodeTeamKey({ teamUid, memberUid, keyVersion, sealedKey }: TeamKeyStatement): Bytes {
  return encodeContext(uidBytes(teamUid), uidBytes(memberUid), uint32(keyVersion), sealedKey);
}

function encodeKeyOffer({ kind, memberUid, sealedKey }: KeyOfferStatement): Bytes {
  return encodeContext(uint32(kind), uidBytes(memberUid), sealedKey);
}

function encodeSettings({ organisationUid, version, sealed }: SettingsStatement): Bytes {
  return encodeContext(uidBytes(organisationUid), uint64(version), sealed);
}
