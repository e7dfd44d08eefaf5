import type { PaintedState } from './recorded-screen.ts';

/** A place in the recording: what comes next is that entry of that chunk of the picture. */
export interface ReelPlace {
  readonly chunk: number;
  readonly entry: number;
}

export interface Snapshot {
  readonly atMs: number;
  readonly place: ReelPlace;
  readonly painted: PaintedState;
}

const mostBytes = 48 * 1024 * 1024;
const mostSnapshots = 120;
const nearestMs = 4_000;

/** Pictures that were seen on the way, by time: to begin from when somebody goes back. Bounded in number and memory. */
export class Snapshots {
  #kept: Snapshot[] = [];
  #bytes = 0;
  #apartMs: number;

  readonly #onForgotten: (painted: PaintedState) => void;

  constructor(lengthMs: number, onForgotten: (painted: PaintedState) => void) {
    this.#onForgotten = onForgotten;
    this.#apartMs = Math.max(nearestMs, lengthMs / mostSnapshots);
  }

  /** Whether there is none near that moment. */
  wants(atMs: number): boolean {
    return !this.#kept.some((one) => Math.abs(one.atMs - atMs) < this.#apartMs);
  }

  add(snapshot: Snapshot): void {
    this.#kept = [...this.#kept, snapshot].sort((a, b) => a.atMs - b.atMs);
    this.#bytes += snapshot.painted.bytes;
    while (this.#bytes > mostBytes || this.#kept.length > mostSnapshots) this.#thinOut();
  }

  /** The last one at or before that moment. */
  before(atMs: number): Snapshot | null {
    return this.#kept.findLast((one) => one.atMs <= atMs) ?? null;
  }

  /** Every second one goes, and none comes between the others again. */
  #thinOut(): void {
    this.#apartMs *= 2;
    const kept = this.#kept.length > 1 ? this.#kept.filter((_, index) => index % 2 === 0) : [];
    for (const one of this.#kept) if (!kept.includes(one)) this.#onForgotten(one.painted);
    this.#kept = kept;
    this.#bytes = this.#kept.reduce((sum, { painted }) => sum + painted.bytes, 0);
  }
}
