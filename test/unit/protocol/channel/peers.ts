import { Multiplexer, type Stream } from '../../../../protocol/channel/multiplexer.ts';
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
}

/** One direction of a data channel: a send buffer in front of a path of some rate and delay. */
class Pipe {
  buffered = 0;
  highest = 0;
  closed = false;
  /** The first messages that left, for tests that look at the order. */
  readonly log: Bytes[] = [];
  deliver: (message: Bytes) => void = () => {};
  onLow: () => void = () => {};
  readonly #clock: FakeClock;
  readonly #path: Path;
  #busyUntil = 0;

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

  #leave(message: Bytes): void {
    const before = this.buffered;
    this.buffered -= message.length;
    this.#clock.schedule(() => {
      if (!this.closed) this.deliver(message);
    }, this.#path.delayMs);
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
      send: this.up.send,
      bufferedAmount: () => this.up.buffered,
      now,
      schedule,
      onLost: (error) => (this.lost.opener = error),
    });
    this.acceptor = new Multiplexer({
      role: 'acceptor',
      send: this.down.send,
      bufferedAmount: () => this.down.buffered,
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
