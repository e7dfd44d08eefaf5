/** "Who are you?": guacd's terminal would type its name at the target, each time. */
const enquiry = 0x05;
const esc = 0x1b;
const csi8 = 0x9b;
const suspicious = [enquiry, esc, csi8];
const cancel = 0x18;
const substitute = 0x1a;
/** No control sequence means more than 9999 by a number. */
const maxDigits = 4;
/** The longest that programs send sets a dozen attributes. */
const maxSequence = 256;
/** Insert and delete lines, scroll up and down: counted in rows. Erase, insert and delete characters: in columns. */
const byRows = /[LMST]$/;
const byColumns = /[@PX]$/;

type Place = 'text' | 'escape' | 'sequence';

/**
 * Takes the poison out of control sequences on their way to guacd: "insert 9999 lines" and its like make guacd
 * 1.3.0 hang or crash. Counts are cut to the size of the screen, which changes nothing on it; numbers lose their
 * fifth and later digits; sequences without end and enquiries are dropped. All other bytes pass as they are.
 */
export class ControlGuard {
  #rows: number;
  #columns: number;
  #place: Place = 'text';
  #sequence: number[] = []; // from the introducer on
  #digits = 0;
  #continuations = 0; // of a UTF-8 character, where 0x9b is no control

  constructor(rows: number, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
  }

  resize(rows: number, columns: number): void {
    this.#rows = rows;
    this.#columns = columns;
  }

  /** What may go on; an unfinished sequence waits for its end. */
  filter(chunk: Uint8Array): Uint8Array {
    if (this.#place === 'text' && !suspicious.some((byte) => chunk.includes(byte))) return this.#plain(chunk);
    const out: number[] = [];
    for (const byte of chunk) this.#take(byte, out);
    return Uint8Array.from(out);
  }

  /** Nothing to look for, but the chunk may end inside a character. */
  #plain(chunk: Uint8Array): Uint8Array {
    for (const byte of chunk.subarray(-4)) this.#follow(byte);
    return chunk;
  }

  #take(byte: number, out: number[]): void {
    if (byte === enquiry) return;
    if (byte === esc) this.#begin('escape', byte, out);
    else if (this.#place === 'sequence') this.#collect(byte, out);
    else if (this.#place === 'escape' && byte === 0x5b) this.#introduce(byte);
    else if (this.#place === 'escape') this.#end(out, byte);
    else if (this.#isIntroducer(byte)) this.#begin('sequence', byte, out);
    else out.push(byte);
  }

  /** A sequence may be broken off by the next; what guacd has of it so far stays as it is. */
  #begin(place: Place, byte: number, out: number[]): void {
    out.push(...this.#sequence);
    this.#place = place;
    this.#sequence = [byte];
    this.#digits = 0;
    this.#continuations = 0;
  }

  #introduce(byte: number): void {
    this.#place = 'sequence';
    this.#sequence.push(byte);
  }

  #collect(byte: number, out: number[]): void {
    const isDigit = byte >= 0x30 && byte <= 0x39;
    this.#digits = isDigit ? this.#digits + 1 : 0;
    const isFinal = (byte >= 0x40 && byte <= 0x7e) || byte === cancel || byte === substitute;
    if (isFinal) this.#end(out, byte);
    else if (this.#digits <= maxDigits && this.#sequence.length <= maxSequence) this.#sequence.push(byte);
  }

  #end(out: number[], final: number): void {
    const tooLong = this.#sequence.length > maxSequence;
    if (!tooLong) out.push(...this.#cut([...this.#sequence, final]));
    this.#place = 'text';
    this.#sequence = [];
  }

  /** A count beyond the screen becomes the screen. */
  #cut(sequence: number[]): Iterable<number> {
    const text = String.fromCharCode(...sequence);
    const most = byRows.test(text) ? this.#rows : byColumns.test(text) ? this.#columns : null;
    const count = /^(?:\x1b\[|\x9b)(\d+)/.exec(text); // eslint-disable-line no-control-regex -- they are what this is about
    if (most === null || !count || Number(count[1]) <= most) return sequence;
    return Buffer.from(text.replace(count[1] ?? '', String(Math.max(most, 1))), 'latin1');
  }

  #isIntroducer(byte: number): boolean {
    const inCharacter = this.#continuations > 0;
    this.#follow(byte);
    return byte === csi8 && !inCharacter;
  }

  #follow(byte: number): void {
    if ((byte & 0xc0) === 0x80) this.#continuations = Math.max(this.#continuations - 1, 0);
    else this.#continuations = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  }
}
