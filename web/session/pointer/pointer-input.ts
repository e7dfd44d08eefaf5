import { picturePlace, type PictureSize, type Place } from './pointer-place.ts';
import { TouchGestures, type TouchMode } from './touch-gestures.ts';

/** Guacamole's mask of mouse buttons. */
export const buttons = { left: 1, middle: 2, right: 4, up: 8, down: 16 } as const;

export interface PointerTargets {
  /** The pointer stands there, in pixels of the picture, with these buttons down. */
  readonly mouse: (at: Place, mask: number) => void;
  /** Somebody pressed on the picture. */
  readonly pressed: (touch: boolean) => void;
  readonly zoom: (ratio: number, around: Place) => void;
  /** Moves what is seen of a picture that is larger than its place. False: all of it is seen, so the machine scrolls. */
  readonly pan: (by: Place) => boolean;
}

/** Of the browser's `buttons`. */
const fromBrowser: readonly (readonly [number, number])[] = [
  [1, buttons.left],
  [2, buttons.right],
  [4, buttons.middle],
];
/** A wheel's notch is 100 pixels or more in every browser; a touchpad gives a few at a time. */
const wheelPixels = 53;
const linePixels = 18;
const touchPixels = 24;
/** So many notches at once are enough for anybody. */
const mostNotches = 10;

/** The hands on a session's picture: mouse, pen, wheel and fingers. Events are taken from `host`, in which the picture lies. */
export class PointerInput {
  readonly #host: HTMLElement;
  readonly #picture: HTMLElement;
  readonly #size: () => PictureSize;
  readonly #targets: PointerTargets;
  readonly #gestures: TouchGestures;
  readonly #end = new AbortController();
  #at: Place = { x: 0, y: 0 };
  #scrolled = 0;

  constructor(host: HTMLElement, picture: HTMLElement, size: () => PictureSize, targets: PointerTargets) {
    this.#host = host;
    this.#picture = picture;
    this.#size = size;
    this.#targets = targets;
    this.#gestures = this.#readGestures();
    this.#listen('pointerdown', (event) => this.#down(event));
    this.#listen('pointermove', (event) => this.#move(event));
    this.#listen('pointerup', (event) => this.#up(event));
    this.#listen('pointercancel', (event) => this.#cancel(event));
    this.#listen('wheel', (event) => this.#wheel(event));
    // The keyboard stays where it is, and the browser's own menu closed.
    this.#listen('mousedown', (event) => this.#onPicture(event) && event.preventDefault());
    this.#listen('contextmenu', (event) => event.preventDefault());
  }

  set mode(mode: TouchMode) {
    this.#gestures.cancel();
    this.#gestures.mode = mode;
  }

  close(): void {
    this.#gestures.cancel();
    this.#end.abort();
  }

  #listen<Name extends keyof HTMLElementEventMap>(
    name: Name,
    listener: (event: HTMLElementEventMap[Name]) => void,
  ): void {
    this.#host.addEventListener(name, listener, { passive: false, signal: this.#end.signal });
  }

  /** Its scroll bars are the page's. */
  #onPicture({ target }: Event): boolean {
    return target instanceof Node && this.#picture.contains(target);
  }

  #placeOf({ clientX, clientY }: { clientX: number; clientY: number }): Place {
    return this.#placeAt({ x: clientX, y: clientY });
  }

  #placeAt(at: Place): Place {
    return picturePlace(at, this.#picture.getBoundingClientRect(), this.#size());
  }

  #down(event: PointerEvent): void {
    const touch = event.pointerType === 'touch';
    if (!touch && !this.#onPicture(event)) return;
    this.#targets.pressed(touch);
    this.#host.setPointerCapture(event.pointerId); // a drag goes on outside
    if (touch) this.#gestures.down(event.pointerId, placeIn(event));
    else this.#send(this.#placeOf(event), maskOf(event));
  }

  #move(event: PointerEvent): void {
    if (event.pointerType === 'touch') this.#gestures.move(event.pointerId, placeIn(event));
    else if (this.#onPicture(event) || this.#host.hasPointerCapture(event.pointerId))
      this.#send(this.#placeOf(event), maskOf(event));
  }

  #up(event: PointerEvent): void {
    if (event.pointerType === 'touch') this.#gestures.up(event.pointerId);
    else if (this.#onPicture(event) || this.#host.hasPointerCapture(event.pointerId))
      this.#send(this.#placeOf(event), maskOf(event));
  }

  #cancel(event: PointerEvent): void {
    if (event.pointerType === 'touch') this.#gestures.cancel();
    else this.#send(this.#at, 0);
  }

  #wheel(event: WheelEvent): void {
    if (event.ctrlKey) return; // the page's own zoom
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * linePixels;
    this.#scroll(pixels, wheelPixels); // where the pointer is, which it knows finer than a wheel's event
  }

  /** Downwards when positive; a notch is the wheel's button pressed and let go of. */
  #scroll(pixels: number, notch: number): void {
    this.#scrolled += pixels;
    const notches = Math.trunc(this.#scrolled / notch);
    this.#scrolled -= notches * notch;
    const mask = notches > 0 ? buttons.down : buttons.up;
    for (let left = Math.min(mostNotches, Math.abs(notches)); left > 0; left--) {
      this.#targets.mouse(this.#at, mask);
      this.#targets.mouse(this.#at, 0);
    }
  }

  #send(at: Place, mask: number): void {
    this.#at = at;
    this.#targets.mouse(at, mask);
  }

  #readGestures(): TouchGestures {
    const direct = () => this.#gestures.mode === 'direct';
    const aim = (at: Place) => this.#send(direct() ? this.#placeAt(at) : this.#at, 0);
    return new TouchGestures({
      click: (at, button) => {
        aim(at);
        this.#send(this.#at, buttons[button]);
        this.#send(this.#at, 0);
      },
      dragStart: (at) => {
        aim(at);
        this.#send(this.#at, buttons.left);
      },
      dragMove: (at, by) => this.#send(direct() ? this.#placeAt(at) : this.#beside(by), buttons.left),
      dragEnd: () => this.#send(this.#at, 0),
      move: (by) => this.#send(this.#beside(by), 0),
      scroll: (by) => {
        if (!this.#targets.pan(by)) this.#scroll(-by.y, touchPixels);
      },
      pinch: (ratio, around) => this.#targets.zoom(ratio, around),
    });
  }

  /** The pixel that lies so far from the pointer, as far as the picture goes. */
  #beside(by: Place): Place {
    const drawn = this.#picture.getBoundingClientRect();
    const { width, height } = this.#size();
    const [acrossOne, downOne] = [drawn.width / Math.max(1, width), drawn.height / Math.max(1, height)];
    const x = drawn.left + (this.#at.x + 0.5) * acrossOne + by.x;
    const y = drawn.top + (this.#at.y + 0.5) * downOne + by.y;
    return this.#placeAt({ x, y });
  }
}

function placeIn({ clientX, clientY }: PointerEvent): Place {
  return { x: clientX, y: clientY };
}

function maskOf(event: PointerEvent): number {
  return fromBrowser.reduce((mask, [of, as]) => (event.buttons & of ? mask | as : mask), 0);
}
