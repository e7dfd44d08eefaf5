import { uint32, type Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from './envelope.ts';
import type { Purpose } from './labels.ts';
import type { SymmetricKey } from './symmetric-key.ts';

type Objects = readonly (string | Uint8Array)[];

/** Which part, from 0, of how many. */
export interface PartPlace {
  readonly part: number;
  readonly count: number;
}

/**
 * A plaintext as parts of `size` bytes, the last one of what is left; of an empty one, one empty part. Each is an envelope
 * bound to the objects, and to which part it is of how many. One of the objects MUST be made anew for each sealing, or
 * parts of two would fit together.
 */
export async function sealParts(
  key: SymmetricKey,
  purpose: Purpose,
  objects: Objects,
  plaintext: Bytes,
  size: number,
): Promise<Bytes[]> {
  const count = Math.max(1, Math.ceil(plaintext.length / size));
  const sealOne = (_: unknown, part: number) => {
    const piece = plaintext.subarray(part * size, (part + 1) * size);
    return sealEnvelope(key, purpose, boundTo(objects, { part, count }), piece);
  };
  return await Promise.all(Array.from({ length: count }, sealOne));
}

/** One part, as it was cut. Throws `open-failed` for any other than that one of so many. */
export async function openPart(
  key: SymmetricKey,
  purpose: Purpose,
  objects: Objects,
  place: PartPlace,
  sealed: Uint8Array,
): Promise<Bytes> {
  return await openEnvelope(key, purpose, boundTo(objects, place), sealed);
}

function boundTo(objects: Objects, { part, count }: PartPlace): Objects {
  return [...objects, uint32(part), uint32(count)];
}
