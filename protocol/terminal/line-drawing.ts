import { utf8 } from '../bytes.ts';

/** VT100's special graphics from 0x60 on (DEC STD 070), as Unicode. */
const glyphs = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·';
const first = 0x60;
const special = 0x30; // "0"
const encoded = Array.from(glyphs, utf8);

/** The character sets that a program has put in place; only VT100's line drawing is another than Unicode. */
export class LineDrawing {
  #sets = [false, false];
  #active = 0;

  /** SCS: `byte` names the set of G0 or G1. */
  designate(slot: 0 | 1, byte: number): void {
    this.#sets[slot] = byte === special;
  }

  /** SI and SO. */
  shift(slot: 0 | 1): void {
    this.#active = slot;
  }

  /** Another one of the same state. */
  copy(): LineDrawing {
    const other = new LineDrawing();
    other.#sets = [...this.#sets];
    other.#active = this.#active;
    return other;
  }

  reset(): void {
    this.#sets = [false, false];
    this.#active = 0;
  }

  /** What is drawn for this byte in UTF-8; null: itself. */
  glyph(byte: number): Uint8Array | null {
    return this.#sets[this.#active] === true ? (encoded[byte - first] ?? null) : null;
  }
}
