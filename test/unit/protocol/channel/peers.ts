import { Multiplexer, type Stream } from '../../../../protocol/channel/multiplexer.ts';
import type { Carrier } from '../../../../protocol/channel/carrier.ts';
import type { Bytes } from '../../../../protocol/bytes.ts';
import type { ProtocolError } from '../../../../protocol/errors.ts';
import { limits } from '../../../../protocol/limits.ts';

interface Task {
  readonly at: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** A clock that only moves when told, and runs what is due in order. */
export class FakeClock {
  time = 0;
  readonly #tasks: Task[] = []; // by time, and in order of their coming for the same time

  readonly now = () => this.time;

  readonly schedule = (run: () => void, ms: number) => {
    const task = { at: this.time + ms, run, cancelled: false };
    this.#tasks.splice(this.#placeOf(task.at), 0, task);
    return () => {
      task.cancelled = true;
    };
  };

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.#tasks[0];
      if (due === undefined || due.at > end) break;
      this.#tasks.shift();
      this.time = Math.max(this.time, due.at);
      if (!due.cancelled) due.run();
    }
    this.time = end;
  }

  #placeOf(at: number): number {
    let place = this.#tasks.length;
    while (place > 0 && (this.#tasks[place - 1]?.at ?? 0) > at) place--;
    return place;
  }
}

export interface Path {
  readonly delayMs: number;
  /** Bytes a millisecond. */
  readonly rate: number;
  /** Messages come up to so much later, each for itself: they overtake each other. */
  readonly jitterMs?: number;
}

/** One direction of a data channel: a send buffer in front of a path of some rate and delay. */
class Pipe {
  buffered = 0;
  highest = 0;
  closed = false;
  /** Takes everything and delivers nothing: a path that is gone and does not say so. */
  silent = false;
  /** The first messages that left, for tests that look at the order. */
  readonly log: Bytes[] = [];
  deliver: (message: Bytes) => void = () => {};
  onLow: () => void = () => {};
  readonly #clock: FakeClock;
  readonly #path: Path;
  #busyUntil = 0;
  #seed = 11;

  constructor(clock: FakeClock, path: Path) {
    this.#clock = clock;
    this.#path = path;
  }

  readonly send = (message: Bytes) => {
    if (this.closed) throw new Error('InvalidStateError: channel is closed');
    if (this.log.length < 1000) this.log.push(message);
    this.buffered += message.length;
    this.highest = Math.max(this.highest, this.buffered);
    this.#busyUntil = Math.max(this.#busyUntil, this.#clock.time) + message.length / this.#path.rate;
    this.#clock.schedule(() => this.#leave(message), this.#busyUntil - this.#clock.time);
  };

  #jitter(): number {
    this.#seed = (this.#seed * 48_271) % 0x7fff_ffff;
    return (this.#path.jitterMs ?? 0) * (this.#seed / 0x7fff_ffff);
  }

  #leave(message: Bytes): void {
    const before = this.buffered;
    this.buffered -= message.length;
    this.#clock.schedule(() => {
      if (!this.closed && !this.silent) this.deliver(message);
    }, this.#path.delayMs + this.#jitter());
    if (before > limits.channelLowWater && this.buffered <= limits.channelLowWater) this.onLow();
  }
}

export class Peers {
  readonly clock = new FakeClock();
  readonly up: Pipe;
  readonly down: Pipe;
  readonly opener: Multiplexer;
  readonly acceptor: Multiplexer;
  readonly accepted: Stream[] = [];
  readonly lost: { opener?: ProtocolError; acceptor?: ProtocolError } = {};

  constructor(path: Path = { delayMs: 1, rate: 30_000 }, onStream: (stream: Stream) => void = () => {}) {
    this.up = new Pipe(this.clock, path);
    this.down = new Pipe(this.clock, path);
    const { now, schedule } = this.clock;
    this.opener = new Multiplexer({
      role: 'opener',
      carrier: { send: this.up.send, bufferedAmount: () => this.up.buffered },
      now,
      schedule,
      onLost: (error) => (this.lost.opener = error),
    });
    this.acceptor = new Multiplexer({
      role: 'acceptor',
      carrier: { send: this.down.send, bufferedAmount: () => this.down.buffered },
      now,
      schedule,
      onStream: (stream) => {
        this.accepted.push(stream);
        onStream(stream);
      },
      onLost: (error) => (this.lost.acceptor = error),
    });
    this.up.deliver = (message) => this.acceptor.receive(message);
    this.down.deliver = (message) => this.opener.receive(message);
    this.up.onLow = () => this.opener.writable();
    this.down.onLow = () => this.acceptor.writable();
  }

  open(): Stream {
    return this.opener.openStream({ streamToken: new Uint8Array(16).fill(7) });
  }
}

/** Two ends that outlive their carriers, which a test cuts and brings anew. */
export class ResumingPeers {
  readonly clock = new FakeClock();
  readonly opener: Multiplexer;
  readonly acceptor: Multiplexer;
  readonly accepted: Stream[] = [];
  readonly told: string[] = [];
  /** The present carriers. */
  up: Pipe;
  down: Pipe;
  readonly #path: Path;

  constructor(path: Path = { delayMs: 5, rate: 3_000 }, onStream: (stream: Stream) => void = () => {}) {
    this.#path = path;
    this.up = new Pipe(this.clock, path);
    this.down = new Pipe(this.clock, path);
    const { now, schedule } = this.clock;
    const end = (role: 'opener' | 'acceptor', pipe: Pipe) =>
      new Multiplexer({
        ...{ role, now, schedule, carrier: carrierOf(pipe) },
        onStream: (stream) => {
          this.accepted.push(stream);
          onStream(stream);
        },
        onAway: ({ code }) => this.told.push(`${role} away: ${code}`),
        onBack: () => this.told.push(`${role} back`),
        onLost: ({ code }) => this.told.push(`${role} lost: ${code}`),
      });
    this.opener = end('opener', this.up);
    this.acceptor = end('acceptor', this.down);
    this.#connect();
  }

  /** What is on its way is lost, and no side can send any more. */
  cut(): void {
    this.up.closed = this.down.closed = true;
  }

  /** New carriers; each end takes its own when it has it, which is not the same moment. */
  reconnect(laterMs = 0): void {
    this.cut();
    this.up = new Pipe(this.clock, this.#path);
    this.down = new Pipe(this.clock, this.#path);
    this.#connect();
    this.acceptor.resume(carrierOf(this.down));
    const early: Bytes[] = [];
    const { down } = this;
    down.deliver = (message) => void early.push(message);
    this.clock.advance(laterMs);
    this.opener.resume(carrierOf(this.up));
    down.deliver = (message) => this.opener.receive(message);
    for (const message of early) this.opener.receive(message);
  }

  open(): Stream {
    return this.opener.openStream({ streamToken: new Uint8Array(16).fill(7) });
  }

  #connect(): void {
    this.up.deliver = (message) => this.acceptor.receive(message);
    this.down.deliver = (message) => this.opener.receive(message);
    this.up.onLow = () => this.opener.writable();
    this.down.onLow = () => this.acceptor.writable();
  }
}

function carrierOf(pipe: Pipe): Carrier {
  return { send: pipe.send, bufferedAmount: () => pipe.buffered };
}

/** Collects what a stream gives, consuming it at once unless told otherwise. */
export function collect(stream: Stream, consume = true): { bytes: Uint8Array[]; length: number } {
  const got = { bytes: [] as Uint8Array[], length: 0 };
  stream.onData = (bytes) => {
    got.bytes.push(bytes);
    got.length += bytes.length;
    if (consume) stream.consumed(bytes.length);
  };
  return got;
}
