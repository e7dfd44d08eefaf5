import * as Guacamole from '@glokon/guacamole-common-js';
import type { Stream } from '../../protocol/channel/multiplexer.ts';
import { mostPastedBytes, pasteText, pressTogether, readClipboard } from './clipboard-bridge.ts';
import { createTunnel } from './guacamole-tunnel.ts';
import { KeyboardInput } from './keyboard-input.ts';
import type { ScreenSize } from './screen-size.ts';

export interface ScreenTargets {
  readonly firstFrame: () => void;
  /** The session put this text on its clipboard. */
  readonly copied: (text: string) => void;
  /** The keyboard was given back. */
  readonly released: () => void;
  /** A paste that did not happen, and why. */
  readonly pasteRefused: (reason: 'policy' | 'too-large' | 'empty') => void;
  /** guacd itself says what is wrong. */
  readonly failed: (message: string) => void;
}

export interface ClipboardPolicy {
  readonly disableCopy: boolean;
  readonly disablePaste: boolean;
}

const drawing = new Set(['img', 'png', 'jpeg', 'cfill', 'copy', 'rect']);

/** The picture of one session, and the hands on it. */
export class RemoteScreen {
  readonly #client: Guacamole.Client;
  readonly #targets: ScreenTargets;
  readonly #policy: ClipboardPolicy;
  #keyboard: KeyboardInput | null = null;
  #size: ScreenSize;
  #drawn = false;
  #shown = false;

  constructor(stream: Stream, size: ScreenSize, policy: ClipboardPolicy, targets: ScreenTargets) {
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
    this.#client.connect('');
    this.#rescale();
  }

  get element(): HTMLElement {
    return this.#client.getDisplay().getElement();
  }

  /** Takes keys from the text area and pointer events from the picture. */
  attach(input: HTMLTextAreaElement): () => void {
    this.#keyboard = new KeyboardInput(input, {
      key: (pressed, keysym) => this.#client.sendKeyEvent(pressed, keysym),
      paste: (text) => this.paste(text),
      release: () => this.#targets.released(),
    });
    this.#takePointers(input);
    return () => this.#keyboard?.close();
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

  paste(text: string): void {
    if (this.#policy.disablePaste) return this.#targets.pasteRefused('policy');
    if (text === '') return this.#targets.pasteRefused('empty');
    if (new TextEncoder().encode(text).length > mostPastedBytes)
      return this.#targets.pasteRefused('too-large');
    pasteText(this.#client, text);
  }

  press(keysyms: readonly number[]): void {
    pressTogether(this.#client, keysyms);
  }

  close(): void {
    this.#keyboard?.close();
    this.#client.disconnect();
  }

  /** One pixel of the session is one pixel of the screen: crisp, and never stretched while a new size is on its way. */
  #rescale(): void {
    this.#client.getDisplay().scale(1 / this.#size.ratio);
  }

  #watchFirstFrame(tunnel: Guacamole.Tunnel): void {
    const forward = tunnel.oninstruction;
    tunnel.oninstruction = (opcode, parameters) => {
      if (!this.#drawn && drawing.has(opcode)) this.#drawn = true;
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
    const send = (event: Guacamole.Mouse.Event): void => {
      if (event.type === 'mousedown') input.focus({ preventScroll: true });
      this.#client.sendMouseState(event.state, true);
    };
    for (const source of [mouse, touch])
      source.onEach(['mousedown', 'mousemove', 'mouseup'], (event) => send(event as Guacamole.Mouse.Event));
  }
}
