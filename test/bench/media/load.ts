// What both ends of `bench media` do with a stream: flood it, count what comes of a flood, answer keys.
import type { Stream } from '../../../protocol/channel/multiplexer.ts';

/** First byte of a stream's token: what its acceptor does. */
export const uses = { echo: 1, sink: 2, source: 3 } as const;

export function tokenOf(use: keyof typeof uses): Uint8Array {
  return new Uint8Array(16).fill(uses[use]);
}

const chunk = new Uint8Array(16 * 1024).fill(7);

/** Writes as much as the stream takes, until it is reset. */
export function flood(stream: Stream): void {
  const more = () => {
    while (stream.open && stream.write(chunk));
  };
  stream.onData = (bytes) => stream.consumed(bytes.length);
  stream.onDrain = more;
  more();
}

/** Counts what comes, and when. */
export class Meter {
  readonly #marks: { readonly at: number; readonly total: number }[] = [];
  #total = 0;

  constructor(stream: Stream) {
    stream.onData = (bytes) => {
      this.#total += bytes.length;
      const at = performance.now();
      if (at - (this.#marks.at(-1)?.at ?? 0) >= 5) this.#marks.push({ at, total: this.#total });
      stream.consumed(bytes.length);
    };
  }

  /** Bytes a second between two times of this clock. */
  rate(from: number, to: number): number {
    const within = this.#marks.filter(({ at }) => at >= from && at <= to);
    const [first, last] = [within[0], within.at(-1)];
    if (first === undefined || last === undefined || last.at === first.at) return 0;
    return ((last.total - first.total) * 1000) / (to - from);
  }
}

export function echo(stream: Stream): void {
  stream.onData = (bytes) => {
    stream.write(bytes.slice());
    stream.consumed(bytes.length);
  };
}
