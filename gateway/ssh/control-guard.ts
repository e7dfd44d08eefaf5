const esc = 0x1b;
const csi8 = 0x9b;
const cancel = 0x18;
const substitute = 0x1a;
/** No control sequence means more than 9999 by a number. */
const maxDigits = 4;

type Place = 'text' | 'escape' | 'sequence';

/**
 * Takes the poison out of control sequences on their way to guacd: "insert 2147483647 lines" and its like keep
 * guacd 1.3.0 busy for minutes, or end it. Numbers in CSI sequences lose their fifth and later digits; all other
 * bytes pass as they are. Works across chunk borders.
 */
export class ControlGuard {
  #place: Place = 'text';
  #digits = 0;
  #continuations = 0; // of a UTF-8 character, where 0x9b is no control

  filter(chunk: Uint8Array): Uint8Array {
    if (this.#place === 'text' && !chunk.includes(esc) && !chunk.includes(csi8)) return this.#plain(chunk);
    const out = new Uint8Array(chunk.length);
    let length = 0;
    for (const byte of chunk) if (this.#passes(byte)) out[length++] = byte;
    return out.subarray(0, length);
  }

  /** Nothing to look for, but the chunk may end inside a character. */
  #plain(chunk: Uint8Array): Uint8Array {
    for (const byte of chunk.subarray(-4)) this.#text(byte);
    return chunk;
  }

  #passes(byte: number): boolean {
    if (byte === esc) this.#enter('escape');
    else if (this.#place === 'escape') this.#enter(byte === 0x5b ? 'sequence' : 'text');
    else if (this.#place === 'sequence') return this.#sequence(byte);
    else this.#text(byte);
    return true;
  }

  #sequence(byte: number): boolean {
    if (byte >= 0x30 && byte <= 0x39) return ++this.#digits <= maxDigits;
    this.#digits = 0;
    const ends = (byte >= 0x40 && byte <= 0x7e) || byte === cancel || byte === substitute;
    if (ends) this.#enter('text');
    return true;
  }

  #text(byte: number): void {
    if ((byte & 0xc0) === 0x80 && this.#continuations > 0) this.#continuations--;
    else if (byte === csi8) this.#enter('sequence');
    else this.#continuations = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  }

  #enter(place: Place): void {
    this.#place = place;
    this.#digits = 0;
    this.#continuations = 0;
  }
}
