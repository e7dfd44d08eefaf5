import { encodeHex, uint64, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';

/** One a second: long enough to see the path without a queue, short enough to see that it is another path. */
const samplesKept = 5;
const unansweredKept = 64;

/** Pairs pings with their pongs and keeps the smoothed and the lowest round trip. */
export class RoundTrip {
  #sent = new Map<string, number>();
  #counter = 0n;
  #samples: number[] = [];
  #smoothed: number | null = null;

  get smoothedMs(): number | null {
    return this.#smoothed;
  }

  get minimumMs(): number | null {
    return this.#samples.length === 0 ? null : Math.min(...this.#samples);
  }

  /** A new ping's token. */
  ping(now: number): Bytes {
    const token = uint64(++this.#counter);
    this.#sent.set(encodeHex(token), now);
    const oldest = this.#sent.keys().next().value;
    if (this.#sent.size > unansweredKept && oldest !== undefined) this.#sent.delete(oldest);
    return token;
  }

  /** How long the answer took. Throws `flow-violation` for the answer to a ping that was never sent, or a second answer. */
  pong(token: Bytes, now: number): number {
    const key = encodeHex(token);
    const sentAt = this.#sent.get(key);
    if (sentAt === undefined) throw new ProtocolError('flow-violation', 'a pong without its ping');
    this.#sent.delete(key);
    const sample = Math.max(0, now - sentAt);
    this.#add(sample);
    return sample;
  }

  #add(sample: number): void {
    this.#samples = [...this.#samples, sample].slice(-samplesKept);
    // RFC 6298 §2.3: alpha = 1/8.
    this.#smoothed = this.#smoothed === null ? sample : this.#smoothed + (sample - this.#smoothed) / 8;
  }
}
