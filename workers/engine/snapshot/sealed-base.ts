import { concat, type Bytes } from '../../../protocol/bytes.ts';
import { envelopeOverhead } from '../../../protocol/crypto/envelope.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { openPart, sealParts } from '../../../protocol/crypto/sealed-parts.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../../protocol/errors.ts';

/** Bytes of what tells one writing from the next. */
const generationLength = 16;
/**
 * Bytes of a part. Browsers copy what they open, twice: of megabytes at once each copy is fresh memory, which takes
 * longer than the opening.
 */
export const partLength = 512 * 1024;
/** Parts that are opened side by side: one is copied while another is opened, into memory that an earlier one has left. */
const lanes = 2;

type Objects = readonly (string | Uint8Array)[];

/** A snapshot as parts that open together or not at all: generation ‖ envelope of each part. protocol.md §15.5. */
export async function sealBase(key: SymmetricKey, objects: Objects, plaintext: Bytes): Promise<Bytes> {
  const generation = randomBytes(generationLength);
  const bound = [...objects, generation];
  const parts = await sealParts(key, purposes.localSnapshot, bound, plaintext, partLength);
  return concat(generation, ...parts);
}

/**
 * Inverse of {@link sealBase}, in the memory of what was sealed, which is gone then: as much again would have to be fetched
 * page by page. Throws `open-failed` whatever the cause: a part of another writing, too, or one too few.
 */
export async function openBase(key: SymmetricKey, objects: Objects, sealed: Bytes): Promise<Bytes> {
  const generation = sealed.slice(0, generationLength); // the first part goes over it
  const parts = sealed.subarray(generationLength);
  const sealedLength = partLength + envelopeOverhead;
  const count = Math.ceil(parts.length / sealedLength);
  const length = parts.length - count * envelopeOverhead;
  if (length < 0 || count === 0) throw new ProtocolError('open-failed');
  // In order: a part is written over sealed ones that WebCrypto has taken, and ends before the next begins.
  const plaintext = sealed.subarray(0, length);
  const bound = [...objects, generation];
  const open = async (part: number) => {
    const envelope = parts.subarray(part * sealedLength, (part + 1) * sealedLength);
    const opened = await openPart(key, purposes.localSnapshot, bound, { part, count }, envelope);
    plaintext.set(opened, part * partLength);
  };
  let next = 0;
  const lane = async () => {
    while (next < count) await open(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return plaintext;
}
