import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';

/** What a receiver knows of its path. */
export interface PathClock {
  now(): number;
  /** Lowest round trip of late, or null before the first answer. */
  minimumRoundTripMs(): number | null;
}

/**
 * More than one round trip's worth: the sender's own model of the path (path-model.ts) decides what is on the way, of all
 * streams together, and grows it by half each round; credit is to bound memory and must not be what it waits for.
 */
const gain = 3;
/** Credit goes back in parts of this size, so that most of the window is always with the sender. */
const grantsPerWindow = 8;
const roundsKept = 8;
const shortestRoundMs = 5;

/**
 * Receiver's side of one stream's credit. The window follows delivery rate × minimum round trip (media.md): a window
 * any larger only fills queues ahead of everybody else's bytes, any smaller leaves the path idle.
 */
export class CreditWindow {
  readonly #path: PathClock;
  #granted: number = limits.initialCredit;
  #received = 0;
  #consumed = 0;
  #window: number = limits.initialCredit;
  #roundStart: number;
  #roundConsumed = 0;
  #rates: number[] = []; // bytes a millisecond, of the last rounds

  constructor(path: PathClock) {
    this.#path = path;
    this.#roundStart = path.now();
  }

  get window(): number {
    return this.#window;
  }

  /** Counts bytes that came. Throws `flow-violation` when they were not granted. */
  receive(bytes: number): void {
    this.#received += bytes;
    if (this.#received > this.#granted) throw new ProtocolError('flow-violation', 'more bytes than granted');
  }

  /** Counts bytes that were used up; returns the credit to grant now, 0 while it is too little for a frame. */
  consume(bytes: number): number {
    if (bytes < 0 || this.#consumed + bytes > this.#received) {
      throw new ProtocolError('internal', 'more bytes consumed than came');
    }
    this.#consumed += bytes;
    this.#follow();
    const grant = this.#consumed + this.#window - this.#granted;
    if (grant < this.#window / grantsPerWindow) return 0;
    this.#granted += grant;
    return grant;
  }

  /** Ends the round when it has lasted a round trip, and sets the window by the best of the last rounds. */
  #follow(): void {
    const roundTrip = this.#path.minimumRoundTripMs();
    if (roundTrip === null) return;
    const elapsed = this.#path.now() - this.#roundStart;
    const round = Math.max(roundTrip, shortestRoundMs);
    if (elapsed < round) return;
    // A round with a pause in it says how fast the peer wrote, not how fast the path is.
    if (elapsed < 4 * round) this.#measure((this.#consumed - this.#roundConsumed) / elapsed, roundTrip);
    this.#roundStart += elapsed;
    this.#roundConsumed = this.#consumed;
  }

  #measure(rate: number, roundTrip: number): void {
    this.#rates = [...this.#rates, rate].slice(-roundsKept);
    const wanted = gain * Math.max(...this.#rates) * roundTrip + 2 * limits.framePayload;
    this.#window = Math.min(limits.maxCredit, Math.max(limits.initialCredit, Math.round(wanted)));
  }
}
