import * as Guacamole from '@glokon/guacamole-common-js';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import { pasteText, pressTogether, readClipboard } from './clipboard/clipboard-bridge.ts';
import { createTunnel } from './guacamole-tunnel.ts';
import { KeyboardInput } from './keyboard-input.ts';
import type { ScreenSize } from './screen-size.ts';

export interface ScreenTargets {
  readonly firstFrame: () => void;
  /** The session put this text on its clipboard; null: it is too much. */
  readonly copied: (text: string | null) => void;
  /** The keyboard was given back. */
  readonly released: () => void;
  /** The person pastes, whatever the text is: nothing of it has gone anywhere. */
  readonly pasted: (text: string) => void;
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

function drawsOnScreen(opcode: string, parameters: readonly string[]): boolean {
  const place = drawing.get(opcode);
  return place !== undefined && Number(parameters[place] ?? -1) >= 0;
}

/** The picture of one session, and the hands on it. */
export class RemoteScreen {
  readonly #client: Guacamole.Client;
  readonly #targets: ScreenTargets;
  readonly #policy: ScreenPolicy;
  #keyboard: KeyboardInput | null = null;
  #size: ScreenSize;
  #drawn = false;
  #shown = false;
  #fitted = true;
  #held = false;

  constructor(stream: Stream, size: ScreenSize, policy: ScreenPolicy, targets: ScreenTargets) {
    this.#size = size;
    this.#policy = policy;
    this.#targets = targets;
    const tunnel = createTunnel(stream);
    this.#client = new Guacamole.Client(tunnel);
    this.#watchFirstFrame(tunnel);
    this.#client.onclipboard = (input, mimetype) =>
      readClipboard(input, mimetype, (text) => {
        if (!policy.disableCopy) targets.copied(text);
      });
    this.#client.onerror = (status) => targets.failed(status.message ?? '');
    this.#client.getDisplay().onresize = () => this.#rescale();
    this.#client.connect('');
    this.#rescale();
  }

  get element(): HTMLElement {
    return this.#client.getDisplay().getElement();
  }

  /** Takes keys from the text area and pointer events from the picture. */
  attach(input: HTMLTextAreaElement): () => void {
    this.#keyboard = new KeyboardInput(input, {
      key: (pressed, keysym) => {
        if (!this.#held) this.#client.sendKeyEvent(pressed, keysym);
      },
      paste: (text) => {
        if (!this.#held) this.#targets.pasted(text);
      },
      release: () => this.#targets.released(),
    });
    this.#takePointers(input);
    return () => this.#keyboard?.close();
  }

  /** Nothing that is typed, pasted or pointed at reaches the session, which is told that no key is down. */
  set held(held: boolean) {
    if (held) this.#keyboard?.reset();
    this.#held = held;
  }

  resize(size: ScreenSize): void {
    if (
      size.width === this.#size.width &&
      size.height === this.#size.height &&
      size.ratio === this.#size.ratio
    )
      return;
    this.#size = size;
    this.#rescale();
    this.#client.sendSize(size.width, size.height);
  }

  /** A text that may cross, into what has the keyboard there. False: nothing was sent, the session is away. */
  paste(text: string): boolean {
    if (!this.#held) pasteText(this.#client, text, this.#policy.terminal);
    return !this.#held;
  }

  press(keysyms: readonly number[]): void {
    if (!this.#held) pressTogether(this.#client, keysyms);
  }

  close(): void {
    this.#keyboard?.close();
    this.#client.disconnect();
  }

  /** Whether all of a desktop is seen, smaller where it must be; else pixel by pixel, to be scrolled. */
  set fitted(fitted: boolean) {
    this.#fitted = fitted;
    this.#rescale();
  }

  /** One pixel of the session is one pixel of the screen: crisp, and never stretched while a new size is on its way. */
  #rescale(): void {
    const display = this.#client.getDisplay();
    const [width, height] = [display.getWidth(), display.getHeight()];
    const tooLarge = !this.#policy.resizes && this.#fitted && width > 0 && height > 0;
    const fit = tooLarge ? Math.min(1, this.#size.width / width, this.#size.height / height) : 1;
    display.scale(fit / this.#size.ratio);
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

  #takePointers(input: HTMLTextAreaElement): void {
    const mouse = new Guacamole.Mouse(this.element);
    const touch = new Guacamole.Mouse.Touchscreen(this.element);
    if (!this.#policy.terminal) this.#showPointer(mouse);
    const send = (event: Guacamole.Mouse.Event): void => {
      if (event.type === 'mousedown') input.focus({ preventScroll: true });
      if (!this.#held) this.#client.sendMouseState(event.state, true);
    };
    for (const source of [mouse, touch])
      source.onEach(['mousedown', 'mousemove', 'mouseup'], (event) => send(event as Guacamole.Mouse.Event));
  }

  /** The desktop's own pointer follows the hand without a round trip; what the browser cannot show as one is drawn. */
  #showPointer(mouse: Guacamole.Mouse): void {
    const display = this.#client.getDisplay();
    display.oncursor = (canvas, x, y) => {
      const shown = mouse.setCursor(canvas, x, y);
      display.showCursor(!shown);
    };
  }
}
