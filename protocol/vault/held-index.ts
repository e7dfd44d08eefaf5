import { concat, uint32, type Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
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
  const count = Math.ceil(padded.length / size);
  if (count > most) throw new ProtocolError('too-large', 'the index is too large');
  const parts: Bytes[] = [];
  for (let part = 0; part < count; part++) {
    const piece = padded.subarray(part * size, (part + 1) * size);
    parts.push(await sealEnvelope(dataKey, purposes.heldIndex, objectsOf(scope, part, count), piece));
  }
  return parts;
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
export function openHeldIndexPart(
  dataKey: SymmetricKey,
  scope: HeldIndexScope,
  { part, count }: { readonly part: number; readonly count: number },
  sealed: Uint8Array,
): Promise<Bytes> {
  return openEnvelope(dataKey, purposes.heldIndex, objectsOf(scope, part, count), sealed);
}

function objectsOf({ accountUid, generationUid }: HeldIndexScope, part: number, count: number) {
  return [accountUid, generationUid, uint32(part), uint32(count)];
}
