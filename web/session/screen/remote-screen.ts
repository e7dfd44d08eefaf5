import * as Guacamole from '@glokon/guacamole-common-js';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { pasteText, pressTogether, readClipboard } from '../clipboard/clipboard-bridge.ts';
import { takeImages } from '../drawing/image-streams.ts';
import type { Attention, DrawingPace } from '../drawing/pace.ts';
import { pageTyping } from '../drawing/typing.ts';
import { createTunnel, failStream } from './guacamole-tunnel.ts';
import { KeyboardInput } from '../keyboard/keyboard-input.ts';
import { PictureIntake } from '../picture/picture-intake.ts';
import { PictureView } from './picture-view.ts';
import { buttons, PointerInput } from '../pointer/pointer-input.ts';
import type { Place } from '../pointer/pointer-place.ts';
import type { TouchMode } from '../pointer/touch-gestures.ts';
import type { ScreenSize } from './screen-size.ts';
import type { SoundStream } from '../sound/session-sound.svelte.ts';
import { keysyms } from '../special-keys.ts';
import type { Zoom } from './zoom.ts';

export interface ScreenTargets {
  readonly firstFrame: () => void;
  /** The session put this text on its clipboard; null: it is too much. */
  readonly copied: (text: string | null) => void;
  /** The keyboard was given back. */
  readonly released: () => void;
  /** The person pastes, whatever the text is: nothing of it has gone anywhere. */
  readonly pasted: (text: string) => void;
  /** Modifiers that were touched for the next key, which are taken with it. */
  readonly sticky: () => readonly number[];
  /** So many device pixels each pixel of the picture has now. */
  readonly scaled: (scale: number) => void;
  /** Two fingers on the picture went apart or together. */
  readonly pinched: (ratio: number, around: Place) => void;
  /** The session makes sound, of that form. */
  readonly sound: (stream: SoundStream, mimetype: string) => void;
  /** guacd itself says what is wrong. */
  readonly failed: (message: string) => void;
}

export interface ScreenPolicy {
  readonly disableCopy: boolean;
  readonly disablePaste: boolean;
  /** Drawn by guacd from text; else a desktop. */
  readonly terminal: boolean;
  /** It takes on the size of the window; else the picture is fitted to it. */
  readonly resizes: boolean;
}

/** Instructions that draw, with the place of the layer that they draw on. Buffers, which are not seen, are below 0. */
const drawing: ReadonlyMap<string, number> = new Map([
  ['img', 2],
  ['copy', 6],
  ['png', 1],
  ['jpeg', 1],
  ['cfill', 1],
  ['rect', 0],
]);

/** Browsers show no larger one. */
const largestCursor = 128;

function drawsOnScreen(opcode: string, parameters: readonly string[]): boolean {
  const place = drawing.get(opcode);
  return place !== undefined && Number(parameters[place] ?? -1) >= 0;
}

/** The picture of one session, and the hands on it. */
export class RemoteScreen {
  readonly #client: Guacamole.Client;
  readonly #targets: ScreenTargets;
  readonly #policy: ScreenPolicy;
  readonly #view: PictureView;
  readonly #pace: DrawingPace;
  readonly #intake: PictureIntake;
  #keyboard: KeyboardInput | null = null;
  #pointer: PointerInput | null = null;
  #touch: TouchMode = 'direct';
  #size: ScreenSize;
  #drawn = false;
  #shown = false;
  #held = false;

  constructor(stream: Stream, size: ScreenSize, policy: ScreenPolicy, targets: ScreenTargets) {
    this.#size = size;
    this.#policy = policy;
    this.#targets = targets;
    const { tunnel, pace, answers } = createTunnel(stream, () => this.#intake);
    this.#pace = pace;
    this.#client = new Guacamole.Client(tunnel);
    takeImages(this.#client.getDisplay());
    this.#intake = new PictureIntake(this.#client.getDisplay(), {
      instruction: (opcode, args) => {
        if (opcode === 'audio') pace.hurry();
        if (opcode === 'sync') answers.taken(Number.parseInt(args[0] ?? '', 10));
        tunnel.oninstruction?.(opcode, args);
      },
      consumed: (bytes) => stream.consumed(bytes),
      failed: (code) => failStream(stream, code),
    });
    this.#watchFirstFrame(tunnel);
    this.#client.onclipboard = (input, mimetype) =>
      readClipboard(input, mimetype, (text) => {
        if (!policy.disableCopy) targets.copied(text);
      });
    this.#client.onaudio = (stream, mimetype) => {
      targets.sound(stream as unknown as SoundStream, mimetype);
      return silentPlayer(); // or the library would play it by one of its own
    };
    this.#client.onerror = (status) => targets.failed(status.message ?? '');
    this.#view = new PictureView(this.#client.getDisplay(), size, policy.resizes, targets.scaled);
    this.#client.connect('');
  }

  get element(): HTMLElement {
    return this.#client.getDisplay().getElement();
  }

  /** Takes keys from the text area and pointers from where the picture lies. */
  attach(input: HTMLTextAreaElement): () => void {
    this.#keyboard = new KeyboardInput(input, {
      key: (pressed, keysym) => this.#key(pressed, keysym),
      paste: (text) => {
        if (!this.#held) this.#targets.pasted(text);
      },
      release: () => this.#targets.released(),
    });
    this.#pointer = this.#takePointers(input);
    return () => {
      this.#keyboard?.close();
      this.#pointer?.close();
    };
  }

  /** Nothing that is typed, pasted or pointed at reaches the session, which is told that no key is down. */
  set held(held: boolean) {
    if (held) this.#keyboard?.reset();
    this.#held = held;
  }

  /** How much of it somebody sees, by which it is drawn sooner or later. */
  set attention(attention: Attention) {
    this.#pace.attention = attention;
  }

  resize(size: ScreenSize): void {
    if (
      size.width === this.#size.width &&
      size.height === this.#size.height &&
      size.ratio === this.#size.ratio
    )
      return;
    this.#size = size;
    this.#view.place = size;
    this.#client.sendSize(size.width, size.height);
  }

  /** A text that may cross, into what has the keyboard there. False: nothing was sent, the session is away. */
  paste(text: string): boolean {
    if (!this.#held) pasteText(this.#client, text, this.#policy.terminal);
    return !this.#held;
  }

  press(keysyms: readonly number[]): void {
    if (this.#held) return;
    pageTyping.note(this.#pace);
    pressTogether(this.#client, keysyms);
  }

  close(): void {
    this.#keyboard?.close();
    this.#client.disconnect();
  }

  /** Around a place in the page, which stays under the fingers; else around nothing. */
  zoomTo(zoom: Zoom, around: Place | null = null): void {
    this.#view.zoomTo(zoom, around);
  }

  set touch(mode: TouchMode) {
    this.#touch = mode;
    if (this.#pointer !== null) this.#pointer.mode = mode;
    // A touchpad's pointer is seen where it is, which is not where the fingers are.
    if (mode === 'touchpad') this.#client.getDisplay().showCursor(true);
  }

  /** Asks guacd to draw the terminal otherwise, which it does at once. */
  setTerminal(name: 'font-size' | 'color-scheme', value: string): void {
    if (this.#held) return;
    const writer = new Guacamole.StringWriter(this.#client.createArgumentValueStream('text/plain', name));
    writer.sendText(value);
    writer.sendEnd();
  }

  #watchFirstFrame(tunnel: Guacamole.Tunnel): void {
    const forward = tunnel.oninstruction;
    tunnel.oninstruction = (opcode, parameters) => {
      if (!this.#drawn && drawsOnScreen(opcode, parameters)) this.#drawn = true;
      forward?.(opcode, parameters);
    };
    this.#client.onsync = () => {
      if (!this.#drawn || this.#shown) return;
      this.#shown = true;
      // After the display has carried out what came before the sync.
      this.#client.getDisplay().flush(() => requestAnimationFrame(() => this.#targets.firstFrame()));
    };
  }

  #takePointers(input: HTMLTextAreaElement): PointerInput {
    const display = this.#client.getDisplay();
    if (!this.#policy.terminal) this.#showPointer();
    const size = () => ({ width: display.getWidth(), height: display.getHeight() });
    const pointer = new PointerInput(this.element.parentElement ?? this.element, this.element, size, {
      mouse: ({ x, y }, mask) => this.#point(x, y, mask),
      pressed: () => input.focus({ preventScroll: true }),
      zoom: (ratio, around) => this.#targets.pinched(ratio, around),
      pan: (by) => this.#view.pan(by),
    });
    pointer.mode = this.#touch;
    return pointer;
  }

  #key(pressed: 0 | 1, keysym: number): void {
    if (this.#held) return;
    if (pressed === 1) pageTyping.note(this.#pace);
    const sticky = pressed === 1 && !isModifier(keysym) ? this.#targets.sticky() : [];
    if (sticky.length > 0) pressTogether(this.#client, [...sticky, keysym]);
    else this.#client.sendKeyEvent(pressed, keysym);
  }

  #point(x: number, y: number, mask: number): void {
    if (this.#held) return;
    const down = (button: number) => (mask & button) !== 0;
    const pressed = {
      left: down(buttons.left),
      middle: down(buttons.middle),
      right: down(buttons.right),
      up: down(buttons.up),
      down: down(buttons.down),
    };
    const state = Object.assign(new Guacamole.Mouse.State(), { x, y, ...pressed });
    this.#client.sendMouseState(state);
  }

  /** The desktop's own pointer follows the hand without a round trip; what the browser cannot show as one is drawn. */
  #showPointer(): void {
    const display = this.#client.getDisplay();
    display.oncursor = (canvas, x, y) => {
      const shown = canvas.width <= largestCursor && canvas.height <= largestCursor;
      this.element.style.cursor = shown ? `url(${canvas.toDataURL('image/png')}) ${x} ${y}, default` : 'none';
      display.showCursor(!shown || this.#touch === 'touchpad');
    };
  }
}

/** It has nothing to put in time: sound is played by its own clock. */
function silentPlayer(): Guacamole.AudioPlayer {
  return { sync: () => {} };
}

/** Shift to Hyper, and the shift to the third level. */
function isModifier(keysym: number): boolean {
  return (keysym >= 0xffe1 && keysym <= 0xffee) || keysym === keysyms.altGr;
}
