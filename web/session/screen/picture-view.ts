import type * as Guacamole from '@glokon/guacamole-common-js';
import type { Place } from '../pointer/pointer-place.ts';
import type { ScreenSize } from './screen-size.ts';
import { scaleOf, type Zoom } from './zoom.ts';

/** How large a session's picture is drawn, and what of it is seen where that is not all. */
export class PictureView {
  readonly #display: Guacamole.Display;
  readonly #resizes: boolean;
  readonly #onScale: (scale: number) => void;
  #place: ScreenSize;
  #zoom: Zoom = 'fit';

  /** `onScale` hears how many device pixels each of the picture's has, after every change. */
  constructor(
    display: Guacamole.Display,
    place: ScreenSize,
    resizes: boolean,
    onScale: (scale: number) => void,
  ) {
    this.#display = display;
    this.#place = place;
    this.#resizes = resizes;
    this.#onScale = onScale;
    display.onresize = () => this.#rescale();
    this.#rescale();
  }

  set place(place: ScreenSize) {
    this.#place = place;
    this.#rescale();
  }

  /** What lies under `around`, a place in the page, stays there as far as the picture can be moved. */
  zoomTo(zoom: Zoom, around: Place | null): void {
    this.#zoom = zoom;
    const picture = this.#display.getElement();
    const before = picture.getBoundingClientRect();
    this.#rescale();
    const host = picture.parentElement;
    if (around === null || host === null || before.width === 0 || before.height === 0) return;
    const after = picture.getBoundingClientRect();
    const across = (around.x - before.left) / before.width;
    const down = (around.y - before.top) / before.height;
    host.scrollLeft += after.left + across * after.width - around.x;
    host.scrollTop += after.top + down * after.height - around.y;
  }

  /** False: all of it is seen. */
  pan(by: Place): boolean {
    const host = this.#display.getElement().parentElement;
    if (host === null || this.#zoom === 'fit') return false;
    if (host.scrollWidth <= host.clientWidth && host.scrollHeight <= host.clientHeight) return false;
    host.scrollLeft -= by.x;
    host.scrollTop -= by.y;
    return true;
  }

  /** One pixel of the session is one pixel of the screen: crisp, and never stretched while a new size is on its way. */
  #rescale(): void {
    const picture = { width: this.#display.getWidth(), height: this.#display.getHeight() };
    const scale = scaleOf(this.#zoom, picture, this.#place, this.#resizes);
    this.#display.scale(scale / this.#place.ratio);
    this.#onScale(scale);
  }
}
