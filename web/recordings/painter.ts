import * as Guacamole from '@glokon/guacamole-common-js';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { limits } from '../../protocol/limits.ts';
import { takeImages } from '../session/drawing/image-streams.ts';
import type { PaintedState, RecordedScreen } from './recorded-screen.ts';

/** Instructions whose stream goes on in blobs until its end. */
const streams = new Set(['img', 'audio', 'video', 'file', 'pipe', 'argv', 'clipboard', 'body']);
/** An image that does not decode holds up what is after it for ever: so long is waited for it. */
const mostFlushMs = 3_000;
const idle = 0;

/** Draws recorded instructions. Nothing that is recorded makes it send, play or ask anything. */
export class Painter implements RecordedScreen {
  readonly #client: Guacamole.Client;
  readonly #tunnel: Guacamole.Tunnel;
  readonly #open = new Set<string>();
  #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  #last = '';

  /** `onResize`: the picture has another size. */
  constructor(onResize: () => void) {
    const Base = Guacamole.Tunnel as unknown as new () => Guacamole.Tunnel;
    this.#tunnel = new Base();
    this.#client = new Guacamole.Client(this.#tunnel);
    this.#client.onaudio = () => silence();
    const display = this.#client.getDisplay();
    takeImages(display);
    display.showCursor(false);
    display.onresize = onResize;
  }

  get element(): HTMLElement {
    return this.#client.getDisplay().getElement();
  }

  /** Pixels of the recorded picture; 0 before the first one. */
  get size(): { readonly width: number; readonly height: number } {
    const display = this.#client.getDisplay();
    return { width: display.getWidth(), height: display.getHeight() };
  }

  scale(factor: number): void {
    this.#client.getDisplay().scale(factor);
  }

  /** Whether a state of now is whole: nothing is on its way in pieces. */
  get settled(): boolean {
    return this.#last === 'sync' && this.#open.size === 0 && this.#decoder.buffered === 0;
  }

  /** What these bytes draw is seen after the next flush. Throws `guacamole-malformed`. */
  feed(bytes: Uint8Array): void {
    for (const { opcode, args } of this.#decoder.decode(bytes)) {
      this.#last = opcode;
      const [index = ''] = args;
      if (streams.has(opcode)) this.#open.add(index);
      else if (opcode === 'end') this.#open.delete(index);
      // Each would be a frame of its own, on which the display takes its time.
      if (opcode !== 'sync' && opcode !== 'disconnect') this.#tunnel.oninstruction?.(opcode, [...args]);
    }
  }

  /** Settles when all that was fed is drawn. */
  flush(): Promise<void> {
    return withinReason((done) => this.#client.getDisplay().flush(done));
  }

  /** Null while there is no picture, and when it does not come. */
  async export(): Promise<PaintedState | null> {
    if (this.size.width === 0 || this.size.height === 0) return null;
    let state: Guacamole.Client.ExportedState | null = null;
    await withinReason((done) =>
      this.#client.exportState((exported) => {
        state = exported;
        done();
      }),
    );
    return state === null ? null : { state, bytes: sizeOf(state) };
  }

  async import({ state }: PaintedState): Promise<void> {
    this.#forget();
    const exported = state as Guacamole.Client.ExportedState;
    await withinReason((done) => this.#client.importState(exported, done));
  }

  /** It is the page's memory. */
  forget(): void {}

  close(): void {}

  /** As before the first instruction, but for one empty pixel: a layer that was drawn on cannot be made nothing. */
  clear(): void {
    this.#forget();
    const nothing: unknown = {
      ...{ currentState: idle, currentTimestamp: 0 },
      layers: { 0: { width: 1, height: 1 } },
    };
    this.#client.importState(nothing as Guacamole.Client.ExportedState);
    const display = this.#client.getDisplay();
    const layer = display.getDefaultLayer();
    display.setChannelMask(layer, Guacamole.Layer.SRC);
    display.rect(layer, 0, 0, 1, 1);
    display.fillColor(layer, 0, 0, 0, 0);
  }

  #forget(): void {
    this.#decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
    this.#open.clear();
    this.#last = '';
  }
}

function withinReason(start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, mostFlushMs);
    start(() => {
      clearTimeout(late);
      resolve();
    });
  });
}

function silence(): Guacamole.AudioPlayer {
  const Base = Guacamole.AudioPlayer as unknown as new () => Guacamole.AudioPlayer;
  return new Base();
}

function sizeOf(state: Guacamole.Client.ExportedState): number {
  return JSON.stringify(state).length;
}
