import type { SoundFormat } from '../../../protocol/guacamole/sound-format.ts';

/** The numbers of one channel, in order. */
export type Channel = Float32Array<ArrayBuffer>;

/** Shorter parts wait for more: each that is played costs the browser an object. */
const leastSeconds = 0.02;

/** Puts samples together that come in pieces of any length, a sample or a frame of several cut in two as well. */
export class Samples {
  readonly #format: SoundFormat;
  #waiting = new Uint8Array(0);

  constructor(format: SoundFormat) {
    this.#format = format;
  }

  /** What is whole with these bytes, for each channel from -1 to 1; null: it is too little to be played alone. */
  add(bytes: Uint8Array): readonly Channel[] | null {
    const all = new Uint8Array(this.#waiting.length + bytes.length);
    all.set(this.#waiting);
    all.set(bytes, this.#waiting.length);
    const { bytes: width, channels, rate } = this.#format;
    const frame = width * channels;
    const frames = Math.floor(all.length / frame);
    if (frames < leastSeconds * rate) {
      this.#waiting = all;
      return null;
    }
    this.#waiting = all.slice(frames * frame);
    const view = new DataView(all.buffer, 0, frames * frame);
    return Array.from({ length: channels }, (_, channel) =>
      Float32Array.from({ length: frames }, (_frame, at) => {
        const place = at * frame + channel * width;
        return width === 2 ? view.getInt16(place, true) / 0x8000 : view.getInt8(place) / 0x80;
      }),
    );
  }
}
