/** Marks on one character that are drawn. Text in any script has fewer. */
const most = 8;
const utf8 = new TextDecoder();

/**
 * Drops what is written onto one character over and over (accents, joiners). The terminal keeps all of it in a cell, and a sequence that
 * repeats the character copies it a whole line long: a few hundred kilobytes of text would take all of a player's memory.
 */
export class MarkLimit {
  readonly #widthOf: (codepoint: number) => number;
  /** On the character that was written last. */
  #marks = 0;

  /** `widthOf`: columns that the terminal gives a character; 0: it goes onto the one before. */
  constructor(widthOf: (codepoint: number) => number) {
    this.#widthOf = widthOf;
  }

  /** `bytes`: whole characters in UTF-8. */
  filter(bytes: Uint8Array): Uint8Array | string {
    if (bytes.every((byte) => byte < 0x80)) {
      if (bytes.length > 0) this.#marks = 0;
      return bytes;
    }
    let kept = '';
    for (const character of utf8.decode(bytes)) if (this.#isDrawn(character)) kept += character;
    return kept;
  }

  #isDrawn(character: string): boolean {
    const codepoint = character.codePointAt(0) ?? 0;
    const isMark = codepoint >= 0xa0 && this.#widthOf(codepoint) === 0;
    this.#marks = isMark ? this.#marks + 1 : 0;
    return this.#marks <= most;
  }
}
