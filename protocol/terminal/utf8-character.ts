/** A character beyond ASCII as it arrives, byte by byte (RFC 3629, §3). */
export class Utf8Character {
  #bytes: number[] = [];
  #length = 0;

  get begun(): boolean {
    return this.#bytes.length > 0;
  }

  drop(): void {
    this.#bytes = [];
  }

  /**
   * The character, once it is whole; null before, and for bytes of none. One that is written longer than it must be, which is
   * how a control character hides, is none.
   */
  take(byte: number): { readonly codepoint: number; readonly bytes: readonly number[] } | null {
    if ((byte & 0xc0) === 0x80) return this.#continue(byte);
    this.#length = byte >= 0xf8 ? 0 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    this.#bytes = this.#length === 0 ? [] : [byte];
    return null;
  }

  #continue(byte: number) {
    if (!this.begun) return null;
    const bytes = [...this.#bytes, byte];
    this.#bytes = bytes.length === this.#length ? [] : bytes;
    if (this.begun) return null;
    const codepoint = bytes.reduce(
      (so, part, at) => (at === 0 ? part & (0xff >> (bytes.length + 1)) : (so << 6) | (part & 0x3f)),
      0,
    );
    const least = [0, 0, 0x80, 0x800, 0x10000][bytes.length] ?? 0;
    return codepoint < least ? null : { codepoint, bytes };
  }
}
