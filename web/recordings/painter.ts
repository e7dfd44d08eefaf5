import * as Guacamole from '@glokon/guacamole-common-js';
import { ProtocolError } from '../../protocol/errors.ts';
import { PictureFilter } from '../../protocol/guacamole/picture-filter.ts';
import { screenBuffers } from '../../protocol/guacamole/screen-buffers.ts';
import { takeImages } from '../session/drawing/image-streams.ts';
import { PictureIntake } from '../session/picture/picture-intake.ts';
import type { PaintedState, RecordedScreen } from './recorded-screen.ts';

/** What was on all layers, images compressed; and what of them was counted. */
interface Painted {
  readonly exported: Guacamole.Client.ExportedState;
  readonly filter: PictureFilter;
}

/** Instructions whose stream goes on in blobs until its end. */
const streams = new Set(['img', 'audio', 'video', 'file', 'pipe', 'argv', 'clipboard', 'body']);
/** A page that is not seen draws nothing: so long is waited for it. */
const mostFlushMs = 3_000;
const idle = 0;

/**
 * Draws recorded instructions. Nothing that is recorded makes it send, play or ask anything, nor keep or draw more at a time than a
 * live session's page would: what comes is judged and taken in as there (decision 31), for a gateway that was overtaken signs
 * what it likes.
 */
export class Painter implements RecordedScreen {
  /** Of whichever display draws. */
  readonly element = document.createElement('div');
  readonly #onResize: () => void;
  #client!: Guacamole.Client;
  #tunnel!: Guacamole.Tunnel;
  #intake!: PictureIntake;
  readonly #open = new Set<string>();
  #last = '';
  #scale = 1;
  /** Bytes that are not handed to the display yet. */
  #waiting = 0;
  #failure: ProtocolError | null = null;
  #onHandedOver: () => void = () => {};
  #onFailed: () => void = () => {};

  /** `onResize`: the picture has another size. */
  constructor(onResize: () => void) {
    this.#onResize = onResize;
    this.#begin();
  }

  /** Pixels of the recorded picture; 0 before the first one. */
  get size(): { readonly width: number; readonly height: number } {
    const display = this.#client.getDisplay();
    return { width: display.getWidth(), height: display.getHeight() };
  }

  scale(factor: number): void {
    this.#scale = factor;
    this.#client.getDisplay().scale(factor);
  }

  /** Whether a state of now is whole: nothing is on its way in pieces. */
  get settled(): boolean {
    return this.#last === 'sync' && this.#open.size === 0 && this.#intake.whole && this.#failure === null;
  }

  /**
   * What these bytes draw is seen after the next flush. Throws `guacamole-malformed` for what no gateway lets through, and then
   * until it begins anew.
   */
  feed(bytes: Uint8Array): void {
    if (this.#failure === null) {
      this.#waiting += bytes.length;
      this.#intake.take([bytes]);
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Settles when all that was fed is drawn. Throws a ProtocolError when it will not be. */
  async flush(): Promise<void> {
    while (this.#waiting > 0 && this.#failure === null)
      await new Promise<void>((resolve) => (this.#onHandedOver = resolve));
    const failed = new Promise<void>((resolve) => (this.#onFailed = resolve));
    const drawn = () => withinReason((done) => this.#client.getDisplay().flush(done));
    if (this.#failure === null) await Promise.race([drawn(), failed]);
    if (this.#failure !== null) throw this.#failure;
  }

  /** Null while there is no picture, and when it does not come. */
  async export(): Promise<PaintedState | null> {
    const filter = this.#intake.copyFilter();
    if (filter === null || this.size.width === 0 || this.size.height === 0) return null;
    let exported: Guacamole.Client.ExportedState | null = null;
    await withinReason((done) =>
      this.#client.exportState((state) => {
        exported = state;
        done();
      }),
    );
    if (exported === null || this.#failure !== null) return null;
    return { state: { exported, filter } satisfies Painted, bytes: sizeOf(exported) };
  }

  async import({ state }: PaintedState): Promise<void> {
    const { exported, filter } = state as Painted;
    this.#forget(filter.copy() ?? newFilter());
    await withinReason((done) => this.#client.importState(exported, done));
  }

  /** It is the page's memory. */
  forget(): void {}

  /** As before the first instruction, but for one empty pixel: a layer that was drawn on cannot be made nothing. */
  clear(): void {
    this.#forget(newFilter());
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

  close(): void {
    this.#intake.close();
    this.#fail(new ProtocolError('cancelled', 'the player was left'));
  }

  /** A display of its own: one that waits for a picture that does not come waits for ever. */
  #begin(): void {
    const Base = Guacamole.Tunnel as unknown as new () => Guacamole.Tunnel;
    this.#tunnel = new Base();
    this.#client = new Guacamole.Client(this.#tunnel);
    this.#client.onaudio = () => silence();
    const display = this.#client.getDisplay();
    takeImages(display);
    display.showCursor(false);
    display.onresize = this.#onResize;
    display.scale(this.#scale);
    this.element.replaceChildren(display.getElement());
    const client = this.#client;
    const targets = {
      instruction: (opcode: string, args: string[]) => this.#take(opcode, args),
      consumed: (bytes: number) => this.#handedOver(bytes),
      failed: (code: string) => {
        if (client === this.#client) this.#fail(new ProtocolError('guacamole-malformed', code));
      },
    };
    this.#intake = new PictureIntake(display, targets, newFilter());
  }

  #take(opcode: string, args: string[]): void {
    this.#last = opcode;
    const [index = ''] = args;
    if (streams.has(opcode)) this.#open.add(index);
    else if (opcode === 'end') this.#open.delete(index);
    // Each would be a frame of its own, on which the display takes its time; what guacd failed with is no picture.
    if (opcode !== 'sync' && opcode !== 'error') this.#tunnel.oninstruction?.(opcode, args);
  }

  #handedOver(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting <= 0) this.#onHandedOver();
  }

  #fail(error: ProtocolError): void {
    this.#failure ??= error;
    this.#onHandedOver();
    this.#onFailed();
  }

  #forget(filter: PictureFilter): void {
    if (this.#failure !== null) {
      this.#intake.close();
      this.#failure = null;
      this.#begin();
    }
    this.#intake.startAnew(filter);
    this.#open.clear();
    this.#waiting = 0;
    this.#last = '';
  }
}

function newFilter(): PictureFilter {
  return new PictureFilter({ disableCopy: false, sound: true, buffers: Object.values(screenBuffers) });
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
