import { toProtocolError } from '../../protocol/errors.ts';
import type { OpenedRecording, RecordedPicture } from '../../workers/api.ts';
import { entryOf, type RecordedScreen } from './recorded-screen.ts';
import { Snapshots, type ReelPlace } from './snapshots.ts';

export interface ReelParts {
  readonly opened: Pick<OpenedRecording, 'startMs' | 'pictures' | 'lengthMs'>;
  readonly painter: Pick<
    RecordedScreen,
    'feed' | 'flush' | 'clear' | 'export' | 'import' | 'forget' | 'settled'
  >;
  readonly read: (index: number) => Promise<RecordedPicture>;
  /** A chunk was left out, and why: from there to the next key frame the picture may be wrong. */
  readonly onFault: (index: number, text: string) => void;
}

/** Chunks whose entries are held: the one that is drawn, and the one after it. */
const mostHeld = 3;

/**
 * Shows what the picture was at a moment: from the nearest place from which it can be drawn — the present one, a key frame
 * of the recording, or a picture that was seen on the way — through every instruction up to then.
 */
export class PictureReel {
  readonly #parts: ReelParts;
  /** Numbers of the chunks that hold the picture, and those among them that begin anew. */
  readonly #chunks: readonly number[];
  readonly #snapshots: Snapshots;
  readonly #held = new Map<number, Promise<RecordedPicture>>();
  readonly #here = new Map<number, RecordedPicture>();
  #place: ReelPlace = { chunk: 0, entry: 0 };
  #shownMs = -1;
  /** The chunk that was begun last. */
  #entered = -1;
  /** Nothing is on the display: the next key frame is drawn whole. */
  #empty = true;
  /** A screen is being drawn, which goes on until something else is (protocol.md §25.10). */
  #anew = false;
  /** Something was left out since the last key frame. */
  #broken = false;

  constructor(parts: ReelParts) {
    this.#parts = parts;
    const { pictures, lengthMs } = parts.opened;
    this.#chunks = [...pictures.keys()].filter((index) => pictures[index] !== 0);
    this.#snapshots = new Snapshots(lengthMs, (painted) => parts.painter.forget(painted));
  }

  /** False when it was given up for something newer: then what is drawn is somewhere on the way. */
  async show(atMs: number, signal: AbortSignal): Promise<boolean> {
    await this.#begin(atMs);
    const arrived = await this.#goOn(atMs, signal);
    await this.#flush();
    return arrived;
  }

  /**
   * When something is drawn next, after what is shown; null: not known yet, its chunk is on its way; Infinity: never
   * again.
   */
  get nextDrawingMs(): number | null {
    const { chunk, entry } = this.#place;
    for (let at = chunk; at < this.#chunks.length; at++) {
      const picture = this.#here.get(at);
      if (!picture) {
        void this.#load(at).catch(() => undefined); // told to whoever draws it
        return null;
      }
      for (let next = at === chunk ? entry : 0; next < picture.kinds.length; next++)
        if (picture.kinds[next] === entryOf.drawing) return picture.atMs[next] ?? null;
    }
    return Infinity;
  }

  async #begin(atMs: number): Promise<void> {
    const snapshot = this.#snapshots.before(atMs);
    const keyFrame = this.#keyFrameBefore(atMs);
    const begin = { chunk: keyFrame, entry: 0 };
    const from = snapshot && isAfter(snapshot.place, begin) ? snapshot.place : begin;
    const canGoOn = this.#shownMs >= 0 && this.#shownMs <= atMs;
    // Of what is near nothing is drawn again: it goes on as it was seen.
    if (canGoOn && from.chunk <= this.#place.chunk + 1) return;
    this.#place = from;
    this.#shownMs = -1;
    this.#entered = -1;
    this.#broken = false;
    this.#anew = false;
    this.#empty = !snapshot || from !== snapshot.place;
    if (snapshot && from === snapshot.place) await this.#parts.painter.import(snapshot.painted);
    else this.#parts.painter.clear();
  }

  /** The last chunk by then from which the picture can be drawn; the first one when there is none. */
  #keyFrameBefore(atMs: number): number {
    const { pictures, startMs } = this.#parts.opened;
    const found = this.#chunks.findLastIndex(
      (index) => pictures[index] === 3 && (startMs[index] ?? 0) <= atMs,
    );
    return Math.max(0, found);
  }

  async #goOn(atMs: number, signal: AbortSignal): Promise<boolean> {
    const { startMs } = this.#parts.opened;
    while (this.#place.chunk < this.#chunks.length) {
      if (signal.aborted) return false;
      const picture = await this.#load(this.#place.chunk);
      if (signal.aborted) return false;
      if (this.#entered !== this.#place.chunk) this.#enter(picture);
      await this.#draw(picture, atMs);
      const { chunk, entry } = this.#place;
      const next = this.#chunks[chunk + 1];
      const isOver = entry >= picture.atMs.length;
      if (!isOver || next === undefined || (startMs[next] ?? 0) > atMs) break;
      await this.#flush();
      this.#place = { chunk: chunk + 1, entry: 0 };
    }
    this.#shownMs = atMs;
    if (this.#place.chunk + 1 < this.#chunks.length)
      void this.#load(this.#place.chunk + 1).catch(() => undefined); // told when it is drawn
    return true;
  }

  /** A key frame either repeats what is there, for whoever begins with it, or is the beginning of another picture. */
  #enter({ keyFrame, kinds, fault, index }: RecordedPicture): void {
    const { painter, onFault } = this.#parts;
    this.#entered = this.#place.chunk;
    if (keyFrame) this.#anew = false;
    if (fault !== null) {
      this.#broken = true;
      onFault(index, fault);
    }
    const repeats = kinds[0] === entryOf.drawnAnew;
    const isBegun = this.#place.entry > 0;
    if (!keyFrame || isBegun || (repeats && !this.#empty && !this.#broken)) return;
    painter.clear();
    this.#anew = true;
    this.#broken = false;
    this.#empty = false;
  }

  /** What of the chunk was recorded by then. */
  async #draw(picture: RecordedPicture, untilMs: number): Promise<void> {
    const { atMs, ends, kinds, bytes, index } = picture;
    const { chunk } = this.#place;
    for (let { entry } = this.#place; entry < atMs.length && (atMs[entry] ?? 0) <= untilMs; entry++) {
      this.#place = { chunk, entry: entry + 1 };
      const ofScreen = kinds[entry] === entryOf.drawnAnew;
      if (ofScreen && !this.#anew) continue;
      this.#anew &&= ofScreen;
      try {
        this.#parts.painter.feed(bytes.subarray(ends[entry - 1] ?? 0, ends[entry]), kinds[entry] ?? 0);
      } catch (error) {
        if (toProtocolError(error) === null) throw error;
        this.#broken = true;
        this.#place = { chunk, entry: atMs.length };
        return this.#parts.onFault(index, `chunk ${index}: cannot be drawn`);
      }
      await this.#remember(atMs[entry] ?? 0);
    }
  }

  /** A picture that cannot be decoded is heard of when it should be drawn. */
  async #flush(): Promise<void> {
    try {
      await this.#parts.painter.flush();
    } catch (error) {
      const index = this.#chunks[this.#place.chunk];
      if (toProtocolError(error)?.code !== 'guacamole-malformed' || index === undefined) throw error;
      if (!this.#broken) this.#parts.onFault(index, `chunk ${index}: cannot be drawn`);
      this.#broken = true;
    }
  }

  async #remember(atMs: number): Promise<void> {
    const { painter } = this.#parts;
    if (this.#broken || !painter.settled || !this.#snapshots.wants(atMs)) return;
    const place = this.#place;
    const painted = await painter.export();
    if (painted) this.#snapshots.add({ atMs, place, painted });
  }

  async #load(at: number): Promise<RecordedPicture> {
    const index = this.#chunks[at];
    if (index === undefined) throw new RangeError('no such chunk');
    const held = this.#held.get(at) ?? this.#parts.read(index);
    this.#held.set(at, held);
    try {
      const picture = await held;
      if (this.#held.get(at) === held) this.#here.set(at, picture);
      return picture;
    } catch (error) {
      this.#held.delete(at); // the next one asks again
      throw error;
    } finally {
      this.#letGo(at);
    }
  }

  #letGo(loaded: number): void {
    for (const at of this.#held.keys()) {
      if (this.#held.size <= mostHeld) return;
      if (at === loaded || at === this.#place.chunk) continue;
      this.#held.delete(at);
      this.#here.delete(at);
    }
  }
}

function isAfter(one: ReelPlace, other: ReelPlace): boolean {
  return one.chunk > other.chunk || (one.chunk === other.chunk && one.entry > other.entry);
}
