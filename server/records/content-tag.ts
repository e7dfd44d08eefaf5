import { sql, type RawBuilder } from 'kysely';
import { sha256 } from '../../protocol/crypto/hash.ts';

/** What a manifest names of sealed data, 16 bytes. protocol.md §9.7. */
export function contentTag(sealed: Uint8Array): Buffer {
  return Buffer.from(sha256(sealed).subarray(0, 16));
}

/** The same of the column `sealed_data`. */
export const contentTagColumn: RawBuilder<Uint8Array> = sql`substring(sha256(sealed_data) FROM 1 FOR 16)`;
