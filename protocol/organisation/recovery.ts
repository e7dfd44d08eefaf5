import { equal, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import type { EcdhKeyPair } from '../crypto/ecdh.ts';
import type { Signer } from '../crypto/ecdsa.ts';
import { openWithPrivateKey, sealToPublicKey } from '../crypto/ecies.ts';
import { sha256 } from '../crypto/hash.ts';
import { labels } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import type { RecoveryEnrolment, RecoveryRelease } from '../messages/gen/recovery_pb.js';
import { wordsOf } from '../sharing/fingerprint.ts';
import { signEnrolment, signRelease, verifyEnrolment, verifyRelease } from '../signed/recovery.ts';
import { findMember, type Roster } from '../signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** Whose recovery it is: the key counts together with the organisation that named it in its roster. */
export interface RecoveryIdentity {
  readonly organisationUid: Uid;
  readonly organisationKey: Uint8Array;
  /** 65 bytes. */
  readonly recoveryKey: Uint8Array;
}

/** One request as both sides see it. */
export interface RecoveryRequestIdentity {
  readonly requestUid: Uid;
  /** As the server spells it. */
  readonly email: string;
  readonly temporaryKey: Uint8Array;
}

/** Eight words that an administrator reads to whoever enrols or is recovered. protocol.md §21.1. */
export function recoveryKeyWords(identity: RecoveryIdentity): string[] {
  const { organisationUid, organisationKey, recoveryKey } = identity;
  return wordsOf(
    sha256(
      encodeContext(labels.recoveryKeyFingerprint, uidBytes(organisationUid), organisationKey, recoveryKey),
    ),
  );
}

/** Eight words that a person reads to the administrator who is to recover them. protocol.md §21.3. */
export function recoveryRequestWords({ requestUid, email, temporaryKey }: RecoveryRequestIdentity): string[] {
  return wordsOf(
    sha256(encodeContext(labels.recoveryRequestFingerprint, uidBytes(requestUid), email, temporaryKey)),
  );
}

/** The raw data key (32 bytes) to the recovery key, signed by the account. */
export async function sealEnrolment(
  { organisationUid, recoveryKey }: RecoveryIdentity & { readonly recoveryKey: Bytes },
  account: { readonly accountUid: Uid; readonly signer: Signer },
  dataKey: Bytes,
): Promise<{ recoveryKey: Bytes; sealedDataKey: Bytes; sealedHash: Bytes; signature: Bytes }> {
  const { accountUid, signer } = account;
  const objects = enrolmentObjects(organisationUid, accountUid, recoveryKey);
  const sealedDataKey = await sealToPublicKey(recoveryKey, 'account-recovery', objects, dataKey);
  const sealedHash = sha256(sealedDataKey);
  const statement = { organisationUid, accountUid, recoveryKey, sealedHash };
  return { recoveryKey, sealedDataKey, sealedHash, signature: await signEnrolment(signer, statement) };
}

/** Throws `bad-signature` unless that member's account made this enrolment, `untrusted` when it is of another recovery key. */
export function requireEnrolment(
  organisationUid: Uid,
  member: { readonly accountUid: Uid; readonly signingPublicKey: Uint8Array },
  recoveryKey: Uint8Array,
  enrolment: RecoveryEnrolment,
): void {
  const { sealedHash, signature } = enrolment;
  const { accountUid } = member;
  const statement = { organisationUid, accountUid, recoveryKey: enrolment.recoveryKey, sealedHash };
  verifyEnrolment(member.signingPublicKey, statement, signature);
  if (!equal(enrolment.recoveryKey, recoveryKey))
    throw new ProtocolError('untrusted', 'an enrolment for another recovery key');
}

/**
 * The raw data key of an enrolment that {@link requireEnrolment} took. Throws `open-failed`, or `bad-signature` when the
 * ciphertext is not the one that was signed.
 */
export async function openEnrolment(
  organisationUid: Uid,
  accountUid: Uid,
  recovery: EcdhKeyPair,
  { sealedDataKey, sealedHash }: RecoveryEnrolment,
): Promise<Bytes> {
  if (!equal(sha256(sealedDataKey), sealedHash))
    throw new ProtocolError('bad-signature', 'not the sealed key that was signed');
  const objects = enrolmentObjects(organisationUid, accountUid, recovery.publicKey);
  return requireKey(await openWithPrivateKey(recovery, 'account-recovery', objects, sealedDataKey));
}

/** Who releases what to whom. */
export interface Release {
  readonly organisationUid: Uid;
  readonly accountUid: Uid;
  readonly requestUid: Uid;
  readonly temporaryKey: Bytes;
}

/** The raw data key to a request's temporary key, signed by the administrator. */
export async function sealRelease(
  release: Release,
  approver: { readonly accountUid: Uid; readonly signer: Signer },
  resetSecondFactors: boolean,
  dataKey: Bytes,
): Promise<{ approverUid: Bytes; sealedDataKey: Bytes; resetSecondFactors: boolean; signature: Bytes }> {
  const objects = releaseObjects(release);
  const sealedDataKey = await sealToPublicKey(release.temporaryKey, 'recovery-release', objects, dataKey);
  const approverUid = approver.accountUid;
  const statement = { ...release, approverUid, resetSecondFactors, sealedDataKey };
  const signature = await signRelease(approver.signer, statement);
  return { approverUid: uidBytes(approverUid), sealedDataKey, resetSecondFactors, signature };
}

/** The raw data key that was released to this request. Throws `open-failed` or `malformed`; see {@link requireRelease}. */
export async function openRelease(
  release: Release,
  temporary: EcdhKeyPair,
  { sealedDataKey }: RecoveryRelease,
): Promise<Bytes> {
  const objects = releaseObjects(release);
  return requireKey(await openWithPrivateKey(temporary, 'recovery-release', objects, sealedDataKey));
}

/** Throws `untrusted` or `bad-signature` unless an administrator of that roster released it to this request. */
export function requireRelease(roster: Roster, release: Release, message: RecoveryRelease): void {
  const { resetSecondFactors, sealedDataKey } = message;
  const approver = findMember(roster, uidOf(message.approverUid));
  if (!approver?.administrator)
    throw new ProtocolError('untrusted', 'it was not released by an administrator');
  const approverUid = approver.accountUid;
  const statement = { ...release, approverUid, resetSecondFactors, sealedDataKey };
  verifyRelease(approver.signingPublicKey, statement, message.signature);
}

function enrolmentObjects(organisationUid: Uid, accountUid: Uid, recoveryKey: Uint8Array) {
  return [organisationUid, accountUid, recoveryKey] as const;
}

function releaseObjects({ organisationUid, accountUid, requestUid }: Release) {
  return [organisationUid, accountUid, requestUid] as const;
}

function requireKey(key: Bytes): Bytes {
  if (key.length !== 32) throw new ProtocolError('malformed', 'a data key has 32 bytes');
  return key;
}
