import type { PictureReel } from './picture-reel.ts';

export const speeds = [0.5, 1, 2, 4, 8, 16] as const;
export type Speed = (typeof speeds)[number];

/** Less than this is no pause worth skipping. */
const idleMs = 2_000;
/** Where a skipped pause is left: a moment before something happens. */
const beforeMs = 300;

export interface PlaybackParts {
  readonly lengthMs: number;
  /** Null: there is no picture, only text. */
  readonly reel: Pick<PictureReel, 'show' | 'nextDrawingMs'> | null;
  /** When something happens next, as far as the survey says; for recordings without a picture. */
  readonly nextEventMs: (afterMs: number) => number | null;
  readonly onFailed: (error: unknown) => void;
}

/** Where the player is, and how it goes on. The picture follows; while it cannot, time waits for it. */
export class Playback {
  readonly lengthMs: number;
  positionMs = $state(0);
  playing = $state(false);
  speed = $state<Speed>(1);
  skipIdle = $state(true);
  /** A picture is being worked out for longer than a moment. */
  seeking = $state(false);
  readonly #parts: PlaybackParts;
  #frame = 0;
  #lastTick = 0;
  #drawing: Promise<void> | null = null;
  #wantedMs: number | null = null;
  #abort = new AbortController();
  #closed = false;

  constructor(parts: PlaybackParts) {
    this.#parts = parts;
    this.lengthMs = parts.lengthMs;
  }

  /** Draws the first picture. */
  start(): void {
    this.#draw(0);
  }

  play(): void {
    if (this.playing || this.#closed) return;
    if (this.positionMs >= this.lengthMs) this.seek(0);
    this.playing = true;
    this.#lastTick = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
  }

  pause(): void {
    this.playing = false;
    cancelAnimationFrame(this.#frame);
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(toMs: number): void {
    this.positionMs = Math.max(0, Math.min(this.lengthMs, Math.round(toMs)));
    this.seeking = true;
    this.#abort.abort();
    this.#draw(this.positionMs);
  }

  close(): void {
    this.#closed = true;
    this.pause();
    this.#abort.abort();
  }

  #tick(now: number): void {
    if (!this.playing) return;
    const passed = Math.max(0, now - this.#lastTick) * this.speed;
    this.#lastTick = now;
    // The picture is behind: time does not run away from it.
    if (this.#drawing === null) this.#advance(passed);
    if (this.playing) this.#frame = requestAnimationFrame((next) => this.#tick(next));
  }

  #advance(byMs: number): void {
    const next = this.skipIdle ? this.#nextMs() : null;
    const pause = next !== null && next - this.positionMs > idleMs;
    const to = pause ? Math.min(this.lengthMs, next - beforeMs) : this.positionMs + byMs;
    this.positionMs = Math.min(this.lengthMs, to);
    if (this.positionMs >= this.lengthMs) this.pause();
    this.#draw(this.positionMs);
  }

  #nextMs(): number | null {
    const { reel, nextEventMs } = this.#parts;
    return reel === null ? nextEventMs(this.positionMs) : reel.nextDrawingMs;
  }

  /** One picture at a time; of those that are asked for meanwhile the newest. */
  #draw(atMs: number): void {
    this.#wantedMs = atMs;
    this.#drawing ??= this.#drawWanted().finally(() => (this.#drawing = null));
  }

  async #drawWanted(): Promise<void> {
    try {
      while (this.#wantedMs !== null && !this.#closed) {
        const atMs = this.#wantedMs;
        this.#wantedMs = null;
        this.#abort = new AbortController();
        await this.#parts.reel?.show(atMs, this.#abort.signal);
      }
      this.seeking = false;
    } catch (error) {
      this.seeking = false;
      this.pause();
      if (!this.#closed) this.#parts.onFailed(error);
    }
  }
}
