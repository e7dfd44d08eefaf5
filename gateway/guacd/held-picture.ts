import type { Viewer } from './connection.ts';

/** A terminal's first screen is some tens of KiB, a desktop's some hundreds; a browser that is later than this many gets it by joining. */
const maxHeld = 1024 * 1024;

/** Keeps what guacd draws until a browser is there to see it, or until there is too much of it. */
export class HeldPicture {
  #parts: Uint8Array[] = [];
  #length = 0;
  #lost = false;

  /** Takes the place of a viewer. */
  readonly take: Viewer = (instructions) => {
    this.#parts.push(instructions);
    this.#length += instructions.length;
    return this.#length < maxHeld;
  };

  /** True until a viewer has come. */
  get waiting(): boolean {
    return !this.#lost;
  }

  /** guacd's output went on without being kept: the picture has a hole. */
  drop(): void {
    this.#lost = true;
    this.#parts = [];
  }

  /** Everything kept, once. null: there is a hole, so the picture must come from guacd anew. */
  release(): readonly Uint8Array[] | null {
    const parts = this.#parts;
    this.#parts = [];
    if (this.#lost) return null;
    this.#lost = true;
    return parts;
  }
}
