import { ProtocolError } from '../errors.ts';

/**
 * Checks UTF-8 one byte at a time (RFC 3629 §4): no overlong form, no surrogate, nothing above U+10FFFF.
 * Only the second byte of a sequence has a range that depends on the first.
 */
export class Utf8Validator {
  #missing = 0;
  #low = 0x80;
  #high = 0xbf;

  /** True between code points. */
  get atBoundary(): boolean {
    return this.#missing === 0;
  }

  /** Takes the next byte. Throws `guacamole-malformed` when no UTF-8 text goes on this way. */
  push(byte: number): void {
    if (this.#missing > 0) this.#continue(byte);
    else if (byte >= 0x80) this.#lead(byte);
  }

  #continue(byte: number): void {
    if (byte < this.#low || byte > this.#high) throw badUtf8();
    this.#missing--;
    this.#expect(0x80, 0xbf);
  }

  #lead(byte: number): void {
    if (byte < 0xc2 || byte > 0xf4) throw badUtf8();
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.#expect(0xa0, 0xbf);
    else if (byte === 0xed) this.#expect(0x80, 0x9f);
    else if (byte === 0xf0) this.#expect(0x90, 0xbf);
    else if (byte === 0xf4) this.#expect(0x80, 0x8f);
    else this.#expect(0x80, 0xbf);
  }

  #expect(low: number, high: number): void {
    this.#low = low;
    this.#high = high;
  }
}

function badUtf8(): ProtocolError {
  return new ProtocolError('guacamole-malformed', 'not utf-8');
}
