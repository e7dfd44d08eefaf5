/** Bytes that the target may send ahead of what guacd has drawn. */
const smallest = 32 * 1024;
const largest = 1024 * 1024;
/** What the shell's channel announces; a prompt and a screenful fit. */
export const firstWindow = 64 * 1024;
/** Output kept ready beside what is on its way: what Ctrl-C must still wait for. */
const aheadMs = 100;
/** The rate is looked at over at least this long. */
const measureMs = 50;
/** Smaller grants are not worth a packet. */
const worthGranting = 4 * 1024;

/**
 * Sizes the window of the target's shell by how fast guacd draws: rate × (round trip + 100 ms). With SSH's usual
 * 2 MiB, `yes` would be drawn for ten seconds after Ctrl-C; with a small fixed one, a far target would be slow.
 */
export class ReceiveWindow {
  readonly #grant: (bytes: number) => void;
  readonly #roundTrip: () => number;
  #size = firstWindow;
  #open = firstWindow; // granted and not consumed yet
  #since: number | null = null;
  #consumed = 0; // since then

  constructor(grant: (bytes: number) => void, roundTripMs: () => number) {
    this.#grant = grant;
    this.#roundTrip = roundTripMs;
  }

  /** guacd has taken these bytes of output. */
  consume(bytes: number, now = performance.now()): void {
    this.#open -= bytes;
    this.#measure(bytes, now);
    const more = this.#size - this.#open;
    if (more < worthGranting) return;
    this.#open += more;
    this.#grant(more);
  }

  #measure(bytes: number, now: number): void {
    this.#since ??= now;
    this.#consumed += bytes;
    const elapsed = now - this.#since;
    if (elapsed < measureMs) return;
    const wanted = (this.#consumed / elapsed) * (this.#roundTrip() + aheadMs);
    // A pause for want of output says nothing about guacd: growth follows at once, shrinking by halves.
    this.#size = clamp(Math.max(wanted, this.#size / 2));
    this.#since = now;
    this.#consumed = 0;
  }
}

function clamp(bytes: number): number {
  return Math.round(Math.min(Math.max(bytes, smallest), largest));
}
