import { layoutFor, type LayoutName } from '../keyboard/key-layouts.ts';
import type { Place } from '../pointer/pointer-place.ts';
import type { TouchMode } from '../pointer/touch-gestures.ts';
import type { RemoteScreen } from './remote-screen.ts';
import { fontSizes, keepLook, readLook, type ScreenLook } from './screen-look.ts';
import type { SessionPolicy } from '../run-targets.ts';
import { boundedZoom, stepFrom, type Zoom } from './zoom.ts';

/** A pinch on a terminal changes its letters, one point for each of these. */
const pinchStep = 1.15;

/** How the screen of one machine is shown: by its record, and by what this person chose on this device. */
export class ScreenView {
  zoom = $state<Zoom>('fit');
  /** Device pixels for each pixel of the picture, now. */
  scale = $state(1);
  fontSize = $state(12);
  colorScheme = $state('');
  touch = $state<TouchMode>('direct');
  layout = $state<LayoutName>(layoutFor(navigator.language));
  readonly #recordUid: string;
  #look: ScreenLook;
  #screen: RemoteScreen | null = null;
  #terminal = false;
  #pinched = 1;

  constructor(recordUid: string) {
    this.#recordUid = recordUid;
    this.#look = readLook(recordUid);
    if (this.#look.layout !== undefined) this.layout = this.#look.layout;
  }

  /** A screen that was just made. The order of its session named what this device keeps in place of the record's. */
  adopt(screen: RemoteScreen, policy: SessionPolicy): void {
    this.#screen = screen;
    this.#terminal = policy.terminal;
    this.zoom = policy.terminal ? 'fit' : (this.#look.zoom ?? 'fit');
    this.fontSize = this.#look.fontSize ?? policy.fontSize;
    this.colorScheme = this.#look.colorScheme ?? policy.colorScheme;
    this.touch = this.#look.touch ?? 'direct';
    screen.touch = this.touch;
    screen.zoomTo(this.zoom);
  }

  zoomTo(zoom: Zoom, around: Place | null = null): void {
    this.zoom = zoom === 'fit' ? zoom : boundedZoom(zoom);
    this.#screen?.zoomTo(this.zoom, around);
    this.#keep({ zoom: this.zoom });
  }

  step(direction: 1 | -1): void {
    if (this.#terminal) this.setFontSize(this.fontSize + direction);
    else this.zoomTo(stepFrom(this.scale, direction));
  }

  pinch(ratio: number, around: Place): void {
    if (!this.#terminal) return this.zoomTo(this.scale * ratio, around);
    this.#pinched *= ratio;
    if (this.#pinched < pinchStep && this.#pinched > 1 / pinchStep) return;
    this.setFontSize(this.fontSize + (this.#pinched > 1 ? 1 : -1));
    this.#pinched = 1;
  }

  setFontSize(points: number): void {
    this.fontSize = Math.min(fontSizes.most, Math.max(fontSizes.least, points));
    this.#screen?.setTerminal('font-size', String(this.fontSize));
    this.#keep({ fontSize: this.fontSize });
  }

  setColorScheme(scheme: string): void {
    this.colorScheme = scheme;
    this.#screen?.setTerminal('color-scheme', scheme);
    this.#keep({ colorScheme: scheme });
  }

  setTouch(mode: TouchMode): void {
    this.touch = mode;
    if (this.#screen !== null) this.#screen.touch = mode;
    this.#keep({ touch: mode });
  }

  setLayout(layout: LayoutName): void {
    this.layout = layout;
    this.#keep({ layout });
  }

  #keep(change: ScreenLook): void {
    this.#look = { ...this.#look, ...change };
    keepLook(this.#recordUid, this.#look);
  }
}
