import { encodeHex, uint64, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';

const samplesKept = 60; // at one a second, a minute: long enough to see the path without a queue
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

  /** Throws `flow-violation` for the answer to a ping that was never sent, or a second answer. */
  pong(token: Bytes, now: number): void {
    const key = encodeHex(token);
    const sentAt = this.#sent.get(key);
    if (sentAt === undefined) throw new ProtocolError('flow-violation', 'a pong without its ping');
    this.#sent.delete(key);
    this.#add(Math.max(0, now - sentAt));
  }

  #add(sample: number): void {
    this.#samples = [...this.#samples, sample].slice(-samplesKept);
    // RFC 6298 §2.3: alpha = 1/8.
    this.#smoothed = this.#smoothed === null ? sample : this.#smoothed + (sample - this.#smoothed) / 8;
  }
}
