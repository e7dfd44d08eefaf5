import { concat, type Bytes } from '../bytes.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { openPart, sealParts, type PartPlace } from '../crypto/sealed-parts.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Uid } from '../uid.ts';

/** Which index, of whom. */
export interface HeldIndexScope {
  readonly accountUid: Uid;
  /** Made anew for each. */
  readonly generationUid: Uid;
}

/**
 * Padded, cut into parts of 1 MiB, and each sealed under the account's data key: bound to account and generation, and to
 * which part it is of how many. Throws `too-large` for more than `limits.heldIndex.parts`. protocol.md §24.
 */
export async function sealHeldIndex(
  dataKey: SymmetricKey,
  scope: HeldIndexScope,
  plaintext: Bytes,
): Promise<Bytes[]> {
  const { part: size, parts: most } = limits.heldIndex;
  const padded = pad(plaintext);
  if (padded.length > size * most) throw new ProtocolError('too-large', 'the index is too large');
  return await sealParts(dataKey, purposes.heldIndex, objectsOf(scope), padded, size);
}

/** Inverse of {@link sealHeldIndex}, for all the parts in their order. Throws `open-failed` or `malformed`. */
export async function openHeldIndex(
  dataKey: SymmetricKey,
  scope: HeldIndexScope,
  parts: readonly Uint8Array[],
): Promise<Bytes> {
  const count = parts.length;
  const opened = await Promise.all(
    parts.map((sealed, part) => openHeldIndexPart(dataKey, scope, { part, count }, sealed)),
  );
  return unpad(concat(...opened));
}

/** One part, as it was cut. Throws `open-failed` for any other than that one of so many. */
export async function openHeldIndexPart(
  dataKey: SymmetricKey,
  scope: HeldIndexScope,
  place: PartPlace,
  sealed: Uint8Array,
): Promise<Bytes> {
  return await openPart(dataKey, purposes.heldIndex, objectsOf(scope), place, sealed);
}

function objectsOf({ accountUid, generationUid }: HeldIndexScope): readonly string[] {
  return [accountUid, generationUid];
}
