import { Multiplexer, type Stream } from '../../../../protocol/channel/multiplexer.ts';
import type { Bytes } from '../../../../protocol/bytes.ts';
import { FakeClock } from './peers.ts';

/** Bytes a millisecond, and half a round trip. */
export interface Shape {
  rate: number;
  delayMs: number;
}

/**
 * One direction of a path as SCTP gives it: it takes everything and says nothing of what it holds, so that whatever the sender
 * hands over beyond what the path carries waits ahead of all that comes later.
 */
class DeepPipe {
  deliver: (message: Bytes) => void = () => {};
  /** Nothing leaves before then: a lost packet that everything behind it waits for. */
  stoppedUntil = 0;
  /** Of so many messages one is lost and sent again: it comes a round trip and a half later, and what follows it does not wait. */
  loseOneOf = Infinity;
  readonly #clock: FakeClock;
  readonly #shape: Shape;
  #freeAt = 0;
  #arrivesAt = 0;
  #sent = 0;

  constructor(clock: FakeClock, shape: Shape) {
    this.#clock = clock;
    this.#shape = shape;
  }

  /** How long a byte that is handed over now waits for those ahead of it. */
  get queueMs(): number {
    return Math.max(0, this.#freeAt - this.#clock.time);
  }

  readonly send = (message: Bytes) => {
    const { rate, delayMs } = this.#shape;
    this.#freeAt = Math.max(this.#freeAt, this.#clock.time, this.stoppedUntil) + message.length / rate;
    this.#arrivesAt = Math.max(this.#arrivesAt, this.#freeAt + delayMs); // order is kept when the path becomes shorter
    const again = ++this.#sent % this.loseOneOf === 0 ? 3 * delayMs : 0;
    this.#clock.schedule(() => this.deliver(message), this.#arrivesAt - this.#clock.time + again);
  };
}

/** Two ends on such a path, which a test may change under them. */
export class DeepPath {
  readonly clock = new FakeClock();
  readonly shape: Shape;
  readonly up: DeepPipe;
  readonly down: DeepPipe;
  readonly accepted: Stream[] = [];
  readonly lost: string[] = [];
  readonly opener: Multiplexer;
  readonly acceptor: Multiplexer;

  constructor(shape: Shape) {
    this.shape = { ...shape };
    this.up = new DeepPipe(this.clock, this.shape);
    const down = (this.down = new DeepPipe(this.clock, this.shape));
    const end = (role: 'opener' | 'acceptor', { send }: DeepPipe) =>
      new Multiplexer({
        ...{ role, carrier: { send, bufferedAmount: () => 0 } },
        ...{ now: this.clock.now, schedule: this.clock.schedule },
        onStream: (stream) => this.accepted.push(stream),
        onLost: ({ code }) => this.lost.push(code),
      });
    this.opener = end('opener', this.up);
    this.acceptor = end('acceptor', down);
    this.up.deliver = (message) => this.acceptor.receive(message);
    down.deliver = (message) => this.opener.receive(message);
  }

  /** Each end does something else now and then, for half of the time: what comes meanwhile waits, and is taken all at once. */
  makeBusy(meanMs: number): void {
    let seed = 7;
    const about = () => 2 * meanMs * ((seed = (seed * 48_271) % 0x7fff_ffff) / 0x7fff_ffff);
    for (const [pipe, end] of [[this.up, this.acceptor] as const, [this.down, this.opener] as const]) {
      let freeAt = 0;
      const occupy = () => {
        freeAt = this.clock.time + about();
        this.clock.schedule(occupy, freeAt - this.clock.time + about());
      };
      occupy();
      pipe.deliver = (message) => {
        this.clock.schedule(() => end.receive(message), Math.max(0, freeAt - this.clock.time));
      };
    }
  }

  /** A stream that both ends know, and what of it has arrived and was used up. */
  open(): { readonly stream: Stream; readonly got: { length: number } } {
    const stream = this.opener.openStream({ streamToken: new Uint8Array(16).fill(7) });
    this.clock.advance(2 * this.shape.delayMs + this.up.queueMs + 1);
    const accepted = this.accepted.at(-1);
    if (accepted === undefined) throw new Error('the stream did not arrive');
    const got = { length: 0 };
    accepted.onData = (bytes) => {
      got.length += bytes.length;
      accepted.consumed(bytes.length);
    };
    return { stream, got };
  }
}

/** Writes whenever the stream takes more; returns the end of that. */
export function floodStream(stream: Stream): () => void {
  const chunk = new Uint8Array(16 * 1024);
  let over = false;
  const more = () => {
    while (!over && stream.write(chunk));
  };
  stream.onDrain = more;
  more();
  return () => (over = true);
}
