import { sha256 } from '../crypto/hash.ts';
import type { Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { uidBytes, type Uid } from '../uid.ts';

/** That an account gave its data key to this recovery key. protocol.md §21.2. */
export interface EnrolmentStatement {
  readonly organisationUid: Uid;
  readonly accountUid: Uid;
  /** 65 bytes. */
  readonly recoveryKey: Uint8Array;
  /** SHA-256 of the sealed data key, 32 bytes. */
  readonly sealedHash: Uint8Array;
}

/** That an administrator released a data key to one request. protocol.md §21.4. */
export interface ReleaseStatement {
  readonly organisationUid: Uid;
  readonly accountUid: Uid;
  readonly requestUid: Uid;
  readonly temporaryKey: Uint8Array;
  readonly approverUid: Uid;
  readonly resetSecondFactors: boolean;
  readonly sealedDataKey: Uint8Array;
}

/** That whoever renews an account's factors has opened the account. protocol.md §21.5. */
export interface RenewalStatement {
  readonly accountUid: Uid;
  readonly requestUid: Uid;
  /** Encoded RenewedFactors. */
  readonly factors: Uint8Array;
}

/** By the account's signing key, 64 bytes. */
export function signEnrolment(account: Signer, statement: EnrolmentStatement): Promise<Bytes> {
  return account.sign(signatureContexts.recoveryEnrolment, encodeEnrolment(statement));
}

/** Throws `bad-signature`. */
export function verifyEnrolment(
  accountKey: Uint8Array,
  statement: EnrolmentStatement,
  signature: Uint8Array,
): void {
  verifySignature(accountKey, signatureContexts.recoveryEnrolment, encodeEnrolment(statement), signature);
}

/** By the administrator's account signing key, 64 bytes. */
export function signRelease(approver: Signer, statement: ReleaseStatement): Promise<Bytes> {
  return approver.sign(signatureContexts.recoveryRelease, encodeRelease(statement));
}

/** Throws `bad-signature`. */
export function verifyRelease(
  approverKey: Uint8Array,
  statement: ReleaseStatement,
  signature: Uint8Array,
): void {
  verifySignature(approverKey, signatureContexts.recoveryRelease, encodeRelease(statement), signature);
}

/** By the account's signing key, 64 bytes. */
export function signRenewal(account: Signer, statement: RenewalStatement): Promise<Bytes> {
  return account.sign(signatureContexts.recoveryRenewal, encodeRenewal(statement));
}

/** Throws `bad-signature`. */
export function verifyRenewal(
  accountKey: Uint8Array,
  statement: RenewalStatement,
  signature: Uint8Array,
): void {
  verifySignature(accountKey, signatureContexts.recoveryRenewal, encodeRenewal(statement), signature);
}

function encodeEnrolment(statement: EnrolmentStatement): Bytes {
  const { organisationUid, accountUid, recoveryKey, sealedHash } = statement;
  return encodeContext(uidBytes(organisationUid), uidBytes(accountUid), recoveryKey, sealedHash);
}

function encodeRelease(statement: ReleaseStatement): Bytes {
  const { organisationUid, accountUid, requestUid, approverUid } = statement;
  return encodeContext(
    ...[uidBytes(organisationUid), uidBytes(accountUid), uidBytes(requestUid)],
    ...[statement.temporaryKey, uidBytes(approverUid)],
    new Uint8Array([statement.resetSecondFactors ? 1 : 0]),
    sha256(statement.sealedDataKey),
  );
}

function encodeRenewal({ accountUid, requestUid, factors }: RenewalStatement): Bytes {
  return encodeContext(uidBytes(accountUid), uidBytes(requestUid), sha256(factors));
}
