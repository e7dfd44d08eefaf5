import type * as Guacamole from '@glokon/guacamole-common-js';
import type { PicturePace } from './picture-pace.ts';

/** What the display decodes. A picture that has another size than it said, or none, ends in `onBroken`. */
export class PictureDecoding {
  /** Of the picture whose end comes next, by its header. */
  announced = 0;
  readonly #pace: PicturePace;
  readonly #onBroken: () => void;

  constructor(display: Guacamole.Display, pace: PicturePace, onBroken: () => void) {
    this.#pace = pace;
    this.#onBroken = onBroken;
    const draw = display.drawBlob.bind(display);
    display.drawBlob = (layer, x, y, blob) => {
      // The display waits for ever for a picture that cannot be decoded, tells nobody, and keeps each until it is collected.
      // It calls this function, once and at once, which is the only place to hear of it.
      const decode = window.createImageBitmap;
      window.createImageBitmap = () => this.#decoded(decode(blob));
      try {
        draw(layer, x, y, blob);
      } finally {
        window.createImageBitmap = decode;
      }
    };
  }

  /** Never rejects: of a broken one nobody waits any more. */
  #decoded(bitmap: Promise<ImageBitmap>): Promise<ImageBitmap> {
    const { announced } = this;
    const { bitmaps } = this.#pace;
    return new Promise((resolve) => {
      bitmap.then(
        (decoded) => {
          bitmaps.push(decoded);
          if (decoded.width * decoded.height === announced) resolve(decoded);
          else this.#onBroken();
        },
        () => this.#onBroken(),
      );
    });
  }
}
