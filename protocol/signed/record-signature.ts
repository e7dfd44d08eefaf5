import { uint32, uint64, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignatureAside, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { uidBytes, type Uid } from '../uid.ts';

/** One revision of a record as its writer signs it. protocol.md §9.6. */
export interface RevisionStatement {
  readonly recordUid: Uid;
  readonly ownerUid: Uid;
  readonly revision: bigint;
  readonly keyVersion: number;
  readonly deleted: boolean;
  /** SHA-256 of the sealed data, 32 bytes: who may only launch does not get the data itself. */
  readonly dataHash: Uint8Array;
  /** SHA-256 of the sealed launch card, 32 bytes: a former revision is kept without the card itself. */
  readonly launchHash: Uint8Array;
}

/** The writer's signature, 64 bytes. */
export function signRevision(writer: Signer, statement: RevisionStatement): Promise<Bytes> {
  return writer.sign(signatureContexts.record, encodeRevision(statement));
}

/** Throws `bad-signature`. Whether the writer may write is another question (protocol/sharing/access.ts). */
export async function verifyRevision(
  writerKey: Uint8Array,
  statement: RevisionStatement,
  signature: Uint8Array,
): Promise<void> {
  await verifySignatureAside(writerKey, signatureContexts.record, encodeRevision(statement), signature);
}

/** Whether that key signed the revision. */
export async function isRevisionSigned(
  writerKey: Uint8Array,
  statement: RevisionStatement,
  signature: Uint8Array,
): Promise<boolean> {
  try {
    await verifyRevision(writerKey, statement, signature);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'bad-signature') return false;
    throw error;
  }
}

/** The bytes that are signed. */
export function encodeRevision(statement: RevisionStatement): Bytes {
  const { recordUid, ownerUid, revision, keyVersion, deleted, dataHash, launchHash } = statement;
  return encodeContext(
    uidBytes(recordUid),
    uidBytes(ownerUid),
    uint64(revision),
    uint32(keyVersion),
    new Uint8Array([deleted ? 1 : 0]),
    dataHash,
    launchHash,
  );
}

/** An owner's word that a revision which somebody else wrote is theirs: it holds when that one may not write any more. */
export interface AdoptionStatement extends RevisionStatement {
  readonly writerUid: Uid;
}

/** The owner's signature, 64 bytes. protocol.md §9.7. */
export function signAdoption(owner: Signer, statement: AdoptionStatement): Promise<Bytes> {
  return owner.sign(signatureContexts.recordAdoption, encodeAdoption(statement));
}

/** Throws `bad-signature`. */
export async function verifyAdoption(
  ownerKey: Uint8Array,
  statement: AdoptionStatement,
  signature: Uint8Array,
): Promise<void> {
  await verifySignatureAside(
    ownerKey,
    signatureContexts.recordAdoption,
    encodeAdoption(statement),
    signature,
  );
}

/** The bytes that are signed. */
export function encodeAdoption(statement: AdoptionStatement): Bytes {
  return encodeContext(encodeRevision(statement), uidBytes(statement.writerUid));
}
