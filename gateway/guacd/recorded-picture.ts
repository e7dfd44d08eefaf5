/** Sees the picture, before whoever views it. */
export interface PictureTap {
  /** What follows is a whole picture of its own. */
  begins(): void;
  /** Whole instructions. */
  shows(instructions: readonly Uint8Array[]): void;
}

/**
 * Of several connections to guacd the newest that draws is the session's: what an older one still draws is nobody's
 * picture, and one that cannot be joined never takes its place.
 */
export class RecordedPicture {
  readonly #tap: PictureTap | null;
  #opened = 0;
  #newest = 0;

  constructor(tap: PictureTap | null) {
    this.#tap = tap;
  }

  /** For a connection that is being opened. */
  tee(): { readonly tee?: (instructions: readonly Uint8Array[]) => void } {
    const tap = this.#tap;
    if (tap === null) return {};
    const number = ++this.#opened;
    return {
      tee: (instructions) => {
        if (number > this.#newest) tap.begins();
        this.#newest = Math.max(this.#newest, number);
        if (number === this.#newest) tap.shows(instructions);
      },
    };
  }
}
