import { uint32, uint64, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { uidBytes, type Uid } from '../uid.ts';

/** One revision of a shared folder as its writer signs it. protocol.md §19.4. */
export interface FolderStatement {
  readonly folderUid: Uid;
  readonly ownerUid: Uid;
  readonly revision: bigint;
  readonly keyVersion: number;
  readonly sealedData: Uint8Array;
}

/** The writer's signature, 64 bytes. */
export function signFolder(writer: Signer, statement: FolderStatement): Promise<Bytes> {
  return writer.sign(signatureContexts.folder, encodeFolder(statement));
}

/** Throws `bad-signature`. Whether the writer may write is another question (protocol/sharing/access.ts). */
export function verifyFolder(writerKey: Uint8Array, statement: FolderStatement, signature: Uint8Array): void {
  verifySignature(writerKey, signatureContexts.folder, encodeFolder(statement), signature);
}

/** The bytes that are signed. */
export function encodeFolder(statement: FolderStatement): Bytes {
  const { folderUid, ownerUid, revision, keyVersion, sealedData } = statement;
  return encodeContext(
    uidBytes(folderUid),
    uidBytes(ownerUid),
    uint64(revision),
    uint32(keyVersion),
    sha256(sealedData),
  );
}
