/** A place in the page, in CSS pixels of the window, or one of the machine's picture, in its own pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The pixel of the machine's picture that lies under a place in the page. By what is really drawn where, not by a scale and
 * whole offsets: at every zoom and every `devicePixelRatio` it is the pixel that is seen there. Outside: the nearest.
 */
export function picturePlace(at: Place, drawn: DOMRectReadOnly, picture: PictureSize): Place {
  const along = (from: number, start: number, length: number, pixels: number) =>
    length === 0 ? 0 : clamp(Math.floor(((from - start) * pixels) / length + rounding), pixels - 1);
  return {
    x: along(at.x, drawn.left, drawn.width, picture.width),
    y: along(at.y, drawn.top, drawn.height, picture.height),
  };
}

/** Layout works in 64ths of a pixel: a place on a border is not to fall to the pixel before. */
const rounding = 1 / 64;

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}
