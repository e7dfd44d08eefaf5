import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

/** Ciphertext that may wait for one peer. */
const mostBytes = 8 * 1024 * 1024;

/** Frames that the peer has not yet said it got, for sending again when a link is resumed. Bounded. */
export class ReplayBuffer<T> {
  readonly #frames: { readonly frame: T; readonly bytes: number }[] = [];
  #bytes = 0;
  /** Frames that are acknowledged and gone. */
  #first = 0;

  /** Throws `limit-reached`: the peer is lost. */
  add(frame: T, bytes: number): void {
    this.#frames.push({ frame, bytes });
    this.#bytes += bytes;
    if (this.#frames.length > limits.linkReplayFrames || this.#bytes > mostBytes)
      throw new ProtocolError('limit-reached', 'the peer does not acknowledge');
  }

  /**
   * The peer got `count` frames in all. A count that is known already says nothing. Throws `malformed` for one that
   * cannot be.
   */
  acknowledge(count: number): void {
    if (count <= this.#first) return;
    if (!this.canResume(count))
      throw new ProtocolError('malformed', 'acknowledges frames that were not sent');
    const dropped = this.#frames.splice(0, count - this.#first);
    this.#bytes -= dropped.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#first = count;
  }

  canResume(count: number): boolean {
    return count >= this.#first && count <= this.#first + this.#frames.length;
  }

  /** What the peer has not got, oldest first. */
  get waiting(): readonly T[] {
    return this.#frames.map(({ frame }) => frame);
  }
}
