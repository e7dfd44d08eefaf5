import { concat, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { SignedRosterSchema, type SignedRoster } from '../messages/gen/account_pb.js';
import type { RosterPart } from '../messages/gen/link_pb.js';

/** Parts of a roster that one frame does not hold: signature and message around 3 MiB, in 128 KiB each. */
const mostParts = Math.ceil(
  (limits.rosterBytes + 512 * limits.pendingSuccessions + 1024) / limits.rosterPart,
);

/** A signed roster in parts of `limits.rosterPart` bytes, in order; one part alone fits a frame. */
export function splitRoster(signed: SignedRoster): { index: number; count: number; bytes: Bytes }[] {
  const bytes = encodeMessage(SignedRosterSchema, signed);
  const count = Math.ceil(bytes.length / limits.rosterPart);
  return Array.from({ length: count }, (_, index) => ({
    index,
    count,
    bytes: bytes.slice(index * limits.rosterPart, (index + 1) * limits.rosterPart),
  }));
}

/** Puts parts together again. protocol.md §11.4. */
export class RosterAssembly {
  #parts: Uint8Array[] = [];

  /**
   * The roster once its last part is here, else null. Parts come in order; the first one begins anew. Throws
   * `malformed` or `too-large`, and keeps nothing then.
   */
  add({ index, count, bytes }: RosterPart): SignedRoster | null {
    if (index === 0) this.#parts = [];
    const fits = index === this.#parts.length && index < count && bytes.length <= limits.rosterPart;
    if (!fits || count > mostParts) {
      this.#parts = [];
      throw new ProtocolError(count > mostParts ? 'too-large' : 'malformed', 'not the next part of a roster');
    }
    this.#parts.push(bytes);
    if (this.#parts.length < count) return null;
    const whole = concat(...this.#parts);
    this.#parts = [];
    return decodeMessage(SignedRosterSchema, whole);
  }
}
