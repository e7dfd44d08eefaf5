import { encodeBase64url, uint32, uint64 } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { sha256OfPublic } from '../crypto/hash.ts';
import type { Card, Record } from '../messages/gen/record_pb.js';

/**
 * SHA-256 over all that an own record's content is opened with, in base64url: whole, and not the 16 bytes of a manifest's
 * tag, because who may edit a record chooses its ciphertext. `dataHash`: SHA-256 of its sealed data. protocol.md §24.
 */
export function recordPrint(
  {
    recordUid,
    ownerUid,
    revision,
    keyVersion,
    sealedKey,
  }: Pick<Record, 'recordUid' | 'ownerUid' | 'revision' | 'keyVersion' | 'sealedKey'>,
  dataHash: Uint8Array,
): string {
  const numbers = [uint64(revision), uint32(keyVersion)];
  return printOf('record', recordUid, ownerUid, ...numbers, dataHash, sealedKey);
}

/** The same of a card. */
export function cardPrint({
  objectUid,
  revision,
  sealed,
}: Pick<Card, 'objectUid' | 'revision' | 'sealed'>): string {
  return printOf('card', objectUid, uint64(revision), sealed);
}

function printOf(kind: string, ...parts: readonly Uint8Array[]): string {
  return encodeBase64url(sha256OfPublic(encodeContext(kind, ...parts)));
}
