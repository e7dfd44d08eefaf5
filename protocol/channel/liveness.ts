import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { ReceivedFrames } from './received-frames.ts';

/**
 * Whether a carrier still carries, counted in beats and not by the clock: a machine that slept has not heard its peer be silent.
 */
export class Liveness {
  readonly #received: Pick<ReceivedFrames, 'count' | 'hasHole'>;
  #silentBeats = 0;
  #holeBeats = 0; // for which the same frame has been lacking
  #holeAt = 0;

  constructor(received: Pick<ReceivedFrames, 'count' | 'hasHole'>) {
    this.#received = received;
  }

  heard(): void {
    this.#silentBeats = 0;
  }

  /** Another carrier. */
  restart(): void {
    this.#silentBeats = this.#holeBeats = 0;
  }

  /** Two more silent beats are enough. */
  doubt(): void {
    this.#silentBeats = Math.max(this.#silentBeats, limits.heartbeatLostMs / limits.heartbeatMs - 2);
  }

  /** One more beat; returns why the carrier counts as lost, or null. */
  beat(): ProtocolError | null {
    if (this.#silentBeats * limits.heartbeatMs >= limits.heartbeatLostMs)
      return new ProtocolError('timed-out', 'the peer is silent');
    if (this.#lacksTooLong()) return new ProtocolError('timed-out', 'a frame does not come');
    this.#silentBeats++;
    return null;
  }

  /** Whether a frame has not come for so long that this carrier will not bring it, though others come. */
  #lacksTooLong(): boolean {
    const { count, hasHole } = this.#received;
    this.#holeBeats = hasHole && count === this.#holeAt ? this.#holeBeats + 1 : 0;
    this.#holeAt = count;
    return this.#holeBeats * limits.heartbeatMs > limits.holeLostMs;
  }
}
