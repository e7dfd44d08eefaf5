import type { PictureSize } from '../pointer/pointer-place.ts';
import type { ScreenSize } from './screen-size.ts';

/** All of the picture is seen, smaller where it must be; or so many device pixels for each of its own. */
export type Zoom = 'fit' | number;

export const zoomSteps: readonly number[] = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];
const [least, most] = [zoomSteps[0] ?? 1, zoomSteps.at(-1) ?? 1];

/** Device pixels for each pixel of the picture. A picture that takes on the size of its place fits as it is. */
export function scaleOf(zoom: Zoom, picture: PictureSize, place: ScreenSize, resizes: boolean): number {
  if (zoom !== 'fit') return zoom;
  if (resizes || picture.width === 0 || picture.height === 0) return 1;
  return Math.min(1, place.width / picture.width, place.height / picture.height);
}

/** The next step up or down from a scale, which may lie between two. */
export function stepFrom(scale: number, direction: 1 | -1): number {
  const near = 0.001;
  const next =
    direction > 0
      ? zoomSteps.find((step) => step > scale + near)
      : zoomSteps.findLast((step) => step < scale - near);
  return next ?? (direction > 0 ? most : least);
}

export function boundedZoom(scale: number): number {
  return Math.min(most, Math.max(least, scale));
}
