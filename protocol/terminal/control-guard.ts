import { utf8 } from '../bytes.ts';
import { ControlSequence, maxSequence, type Screen } from './control-sequence.ts';
import { LineDrawing } from './line-drawing.ts';
import { Utf8Character } from './utf8-character.ts';

/** "Who are you?": guacd's terminal would type its name at the target, each time. */
const enquiry = 0x05;
const shiftOut = 0x0e;
const shiftIn = 0x0f;
const cancel = 0x18;
const substitute = 0x1a;
const esc = 0x1b;
const csi8 = 0x9b;
const [hash, open, close, bracket, eight, reset] = utf8('#()[8c');
/** The longest that a byte becomes: a glyph in UTF-8. */
const mostBytes = 3;
/** For a sequence that was held back, however it is written: twice its longest, and its ends. */
const slack = 2 * maxSequence + 16;

type Place = 'text' | 'escape' | 'sequence' | 'set-0' | 'set-1' | 'line';

/**
 * Takes the poison out of control sequences on their way to guacd, whose terminal (1.3.0) writes where "scroll lines 0 to 9999"
 * or "insert 9999 lines" says, and outside its memory for "screen alignment". Every sequence is written anew, in the one
 * form that guacd reads as it was meant here: counts are cut to the size of the screen, which changes nothing on it; numbers lose
 * their fifth and later digits; broken-off sequences and enquiries are dropped, and bytes that are no UTF-8. Line drawing
 * becomes Unicode, because in guacd's own every 0x9b begins a sequence. All other text passes as it is.
 */
export class ControlGuard {
  #screen: Screen;
  #place: Place = 'text';
  #sequence = new ControlSequence();
  readonly #character = new Utf8Character();
  #drawing = new LineDrawing();
  #out = new Uint8Array(0);
  #length = 0;

  constructor(rows: number, columns: number) {
    this.#screen = { rows, columns };
  }

  resize(rows: number, columns: number): void {
    this.#screen = { rows, columns };
  }

  /** Another one that goes on from here; null within a sequence or a character. */
  copy(): ControlGuard | null {
    if (this.#place !== 'text' || this.#character.begun) return null;
    const other = new ControlGuard(this.#screen.rows, this.#screen.columns);
    other.#drawing = this.#drawing.copy();
    return other;
  }

  /** What may go on; an unfinished sequence or character waits for its end. */
  filter(chunk: Uint8Array): Uint8Array {
    if (this.#passes(chunk)) return chunk;
    this.#out = new Uint8Array(chunk.length * mostBytes + slack);
    this.#length = 0;
    for (const byte of chunk) this.#take(byte);
    return this.#out.subarray(0, this.#length);
  }

  /** Plain ASCII, in plain text. */
  #passes(chunk: Uint8Array): boolean {
    if (this.#place !== 'text' || this.#character.begun || this.#drawing.glyph(0x71) !== null) return false;
    for (const byte of chunk)
      if (byte >= 0x80 || byte === esc || byte === enquiry || byte === shiftIn || byte === shiftOut)
        return false;
    return true;
  }

  #take(byte: number): void {
    if (byte === enquiry) return;
    if (byte === esc) this.#begin();
    else if (this.#place === 'text') this.#text(byte);
    else if (this.#place === 'sequence') this.#collect(byte);
    else if (this.#place === 'escape') this.#escape(byte);
    else this.#finish(byte);
  }

  /** Whatever was under way is broken off: guacd has seen nothing of it. */
  #begin(): void {
    this.#place = 'escape';
    this.#character.drop();
  }

  #escape(byte: number): void {
    if (byte === bracket) return this.#introduce();
    if (byte === hash) this.#place = 'line';
    else if (byte === open) this.#place = 'set-0';
    else if (byte === close) this.#place = 'set-1';
    else {
      this.#place = 'text';
      if (byte === reset) this.#drawing.reset();
      if (byte >= 0x20 && byte < 0x7f) this.#push(esc, byte);
    }
  }

  #introduce(): void {
    this.#place = 'sequence';
    this.#sequence = new ControlSequence();
  }

  #collect(byte: number): void {
    const isFinal = byte >= 0x40 && byte <= 0x7e;
    if (!isFinal && byte !== cancel && byte !== substitute) return this.#sequence.take(byte);
    this.#place = 'text';
    const whole = isFinal ? this.#sequence.end(byte, this.#screen) : null;
    if (whole !== null) this.#push(...utf8(whole));
  }

  /** The last byte of an escape sequence of three. */
  #finish(byte: number): void {
    const place = this.#place;
    this.#place = 'text';
    if (place === 'line') {
      // DECALN: guacd fills the screen with letters of a width that it never set, which is far outside its memory.
      if (byte !== eight && byte >= 0x20 && byte < 0x7f) this.#push(esc, 0x23, byte);
    } else this.#drawing.designate(place === 'set-0' ? 0 : 1, byte);
  }

  #text(byte: number): void {
    if (byte >= 0x80) return this.#part(byte);
    this.#character.drop();
    if (byte === shiftIn || byte === shiftOut) return this.#drawing.shift(byte === shiftIn ? 0 : 1);
    const glyph = this.#drawing.glyph(byte);
    if (glyph === null) this.#push(byte);
    else for (const part of glyph) this.#push(part);
  }

  #part(byte: number): void {
    const whole = this.#character.take(byte);
    if (whole === null) return;
    if (whole.codepoint === csi8) this.#introduce();
    else if (whole.codepoint >= 0xa0) for (const part of whole.bytes) this.#push(part);
  }

  #push(...bytes: readonly number[]): void {
    for (const byte of bytes) this.#out[this.#length++] = byte;
  }
}
