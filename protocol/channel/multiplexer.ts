import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../bytes.ts';
import { ProtocolError, toProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { StreamOpenSchema, type StreamOpen } from '../messages/gen/session_pb.js';
import type { Carrier } from './carrier.ts';
import { decodeFrame, encodeFrame, type Frame, type StreamFrame } from './frame.ts';
import { Liveness } from './liveness.ts';
import { ReceivedFrames } from './received-frames.ts';
import { RoundTrip } from './round-trip.ts';
import { Sender } from './sender.ts';
import { MultiplexedStream, type Stream, type StreamCarrier } from './stream.ts';

export type { Stream } from './stream.ts';

export interface MultiplexerOptions {
  /** The end that may open streams; the page is. */
  readonly role: 'opener' | 'acceptor';
  /** The first carrier. It must be open. */
  readonly carrier: Carrier;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Calls back after `ms`; the function returned cancels. */
  readonly schedule: (run: () => void, ms: number) => () => void;
  /** Acceptor: a stream the peer opened. Set its callbacks before returning, or reset it. */
  readonly onStream?: (stream: Stream, open: StreamOpen) => void;
  /**
   * The carrier is gone: `timed-out` after silence, `unavailable` when sending failed. Streams wait for
   * {@link Multiplexer.resume}. Without this, it is the end of them all.
   */
  readonly onAway?: (error: ProtocolError) => void;
  /** After {@link Multiplexer.resume}: both ends know what the other has, and streams go on. */
  readonly onBack?: () => void;
  /**
   * The peer is gone for good or broke the rules: `cancelled` when it said goodbye, else what it did (`malformed`,
   * `too-large`, `flow-violation`). Every stream's onReset came before. Close the carrier.
   */
  readonly onLost: (error: ProtocolError) => void;
  readonly maxStreams?: number;
}

/**
 * Many streams between two ends, over one carrier after another (protocol.md §14): what is written arrives once and in
 * order, whatever becomes of a carrier in between. Data waits here, not in the carrier, so that heartbeats, credit and
 * control messages overtake it. Call `receive` for each message of the present carrier and `writable` when its
 * bufferedAmount falls below `limits.channelLowWater`.
 */
export class Multiplexer {
  readonly #options: MultiplexerOptions;
  readonly #maxStreams: number;
  readonly #received: ReceivedFrames;
  readonly #liveness: Liveness;
  readonly #sender: Sender;
  readonly #carrier: StreamCarrier;
  readonly #streams = new Map<number, MultiplexedStream>();
  readonly #resetting = new Set<number>(); // reset here, frames of the peer may still be on their way
  #roundTrip = new RoundTrip();
  #state: 'up' | 'away' | 'resuming' | 'closed' = 'up';
  #lastStream = 0;
  #heard = false; // anything of the peer, on any carrier
  #resumedHeard = false; // the peer has said what it has, on this carrier
  #begun = true; // on this carrier nothing is resumed here
  #byeAt: number | null = null; // the peer leaves, after so many frames
  #cancelBeat: () => void;

  constructor(options: MultiplexerOptions) {
    this.#options = options;
    this.#maxStreams = options.maxStreams ?? limits.streamsPerPeer;
    const { now, schedule } = options;
    this.#received = new ReceivedFrames({ now, schedule, onDue: () => this.#sender.pump() });
    this.#liveness = new Liveness(this.#received);
    this.#sender = new Sender({
      received: this.#received,
      ...{ now, schedule },
      mostUrgent: this.#maxStreams * (limits.streamControls + 4),
      onCarrierLost: () => this.away(new ProtocolError('unavailable', 'the channel is closed')),
      onFailed: (error) => this.#lose(error),
    });
    this.#sender.begin(options.carrier);
    this.#carrier = this.#createCarrier();
    this.#cancelBeat = options.schedule(() => this.#beat(), 0);
  }

  /** Smoothed round trip of the heartbeats on this carrier, null before the first answer. */
  get roundTripMs(): number | null {
    return this.#roundTrip.smoothedMs;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Opens a stream to the acceptor. Throws `limit-reached`, or `unavailable` after the end. */
  openStream(open: MessageInitShape<typeof StreamOpenSchema>): Stream {
    if (this.#state === 'closed' || this.#options.role !== 'opener')
      throw new ProtocolError('unavailable', 'no channel');
    if (this.#occupied >= this.#maxStreams) throw new ProtocolError('limit-reached', 'too many streams');
    const frame: StreamFrame = {
      kind: 'open',
      stream: this.#lastStream + 1,
      open: create(StreamOpenSchema, open),
    };
    encodeFrame({ ...frame, place: { number: 0, back: 0 } }); // refuses a bad token before anything remembers the stream
    const stream = this.#addStream(frame.stream);
    this.#sender.urgent(frame);
    return stream;
  }

  /** One message of the present carrier. Never throws: what the peer does wrong ends in onLost. */
  receive(message: Uint8Array): void {
    if (this.#state === 'closed' || this.#state === 'away') return;
    if (this.#state === 'up') this.#liveness.heard(); // who has to say first what came, and does not, says nothing
    try {
      this.#dispatch(decodeFrame(message), message.length);
    } catch (error) {
      this.#lose(toProtocolError(error) ?? new ProtocolError('internal', 'a frame could not be handled'));
    }
    this.#sender.pump();
  }

  /** The carrier has room again. */
  writable(): void {
    this.#sender.pump();
  }

  /** The carrier is gone: whoever holds it knows it before anything here does. */
  away(error: ProtocolError): void {
    const { onAway } = this.#options;
    if (this.#byeAt !== null) return this.#lose(hasLeft());
    if (onAway === undefined) return this.#lose(error);
    if (this.#state === 'closed' || this.#state === 'away') return;
    this.#state = 'away';
    this.#cancelBeat();
    this.#received.stop();
    this.#sender.drop();
    onAway(error);
  }

  /** There is reason to think that the carrier is gone: a peer that says nothing for two more beats is away. */
  doubt(): void {
    this.#liveness.doubt();
  }

  /** Goes on over another carrier, which must be open. Nothing of the former one may come any more. */
  resume(carrier: Carrier): void {
    if (this.#state === 'closed') return;
    this.#cancelBeat();
    this.#state = 'resuming';
    this.#resumedHeard = this.#begun = false;
    this.#liveness.restart();
    this.#roundTrip = new RoundTrip(); // another path
    this.#cancelBeat = this.#options.schedule(() => this.#beat(), limits.heartbeatMs);
    this.#sender.resume(carrier);
  }

  /** Ends all streams (onReset with `cancelled`) and the heartbeat, and tells the peer. The carrier is the caller's to close. */
  close(): void {
    this.#end('cancelled');
  }

  get #occupied(): number {
    return this.#streams.size + this.#resetting.size;
  }

  #createCarrier(): StreamCarrier {
    return {
      now: this.#options.now,
      minimumRoundTripMs: () => this.#roundTrip.minimumMs,
      sendUrgent: (frame) => {
        if (this.#state !== 'closed') this.#sender.urgent(frame);
      },
      urgentControls: (id) => this.#sender.waitingControls(id),
      ready: (stream) => this.#sender.ready(stream),
      gone: (stream) => this.#forget(stream),
      resetting: (stream) => {
        this.#forget(stream);
        this.#resetting.add(stream.id);
      },
    };
  }

  #addStream(id: number): MultiplexedStream {
    this.#lastStream = id;
    const stream = new MultiplexedStream(id, this.#carrier);
    this.#streams.set(id, stream);
    return stream;
  }

  #forget(stream: MultiplexedStream): void {
    this.#streams.delete(stream.id);
    this.#sender.forget(stream);
  }

  #dispatch(frame: Frame, length: number): void {
    const first = !this.#heard;
    this.#heard = true;
    // Of several ways that came up at once, the ends may have begun on different ones: for who begins on this one, it is the
    // first, for the other not. Neither has anything of the other, so all is as with a RESUMED of 0.
    if (first && this.#state === 'resuming' && frame.kind !== 'resumed') this.#proceed(0);
    switch (frame.kind) {
      case 'ping':
        return this.#answer(frame.token);
      case 'pong':
        return this.#sender.roundTrip(this.#roundTrip.pong(frame.token, this.#options.now()));
      case 'received':
        return this.#sender.acknowledge(frame.count, frame.bytes);
      case 'resumed':
        return this.#resumed(frame.count);
      case 'bye':
        return this.#leave(frame.count);
      case 'open':
      case 'data':
      case 'credit':
      case 'end':
      case 'reset':
      case 'control':
        for (const next of this.#received.add(frame, length)) this.#take(next);
        if (this.#byeAt !== null) this.#leave(this.#byeAt);
    }
  }

  #take(frame: StreamFrame): void {
    if (this.#state === 'closed') return;
    if (frame.kind === 'open') this.#accept(frame.stream, frame.open);
    else this.#deliver(frame);
  }

  /** Once on each carrier. A carrier may bring it late. */
  #resumed(count: number): void {
    if (this.#resumedHeard || (this.#begun && count !== 0))
      throw new ProtocolError('flow-violation', 'a carrier begins with what has come, and only then');
    this.#resumedHeard = true;
    if (this.#state === 'resuming') this.#proceed(count);
    else this.#sender.acknowledge(count, 0);
  }

  /** What was sent before is heard first. */
  #leave(count: number): void {
    this.#byeAt = count;
    if (count <= this.#received.count) this.#lose(hasLeft());
  }

  #proceed(count: number): void {
    this.#sender.proceed(count);
    this.#state = 'up';
    this.#liveness.heard();
    this.#sender.beat({ kind: 'ping', token: this.#roundTrip.ping(this.#options.now()) });
    this.#options.onBack?.();
  }

  #answer(token: Bytes): void {
    if (this.#sender.waitingPongs >= limits.pongsWaiting)
      throw new ProtocolError('flow-violation', 'too many pings');
    this.#sender.beat({ kind: 'pong', token });
  }

  #accept(id: number, open: StreamOpen): void {
    const { role, onStream } = this.#options;
    if (role !== 'acceptor' || onStream === undefined)
      throw new ProtocolError('flow-violation', 'not the opener');
    if (id !== this.#lastStream + 1) throw new ProtocolError('flow-violation', 'stream ids rise by one');
    if (this.#occupied >= this.#maxStreams) throw new ProtocolError('flow-violation', 'too many streams');
    const stream = this.#addStream(id);
    try {
      onStream(stream, open);
    } catch (error) {
      stream.reset(toProtocolError(error)?.code ?? 'internal');
    }
  }

  #deliver(frame: Exclude<StreamFrame, { kind: 'open' }>): void {
    const stream = this.#streams.get(frame.stream);
    if (stream !== undefined) return stream.receive(frame);
    if (this.#resetting.has(frame.stream)) return this.#settle(frame);
    // Credit and resets may cross the end of the stream on their way; they do no harm.
    const harmless = frame.kind === 'credit' || frame.kind === 'reset';
    if (!harmless || frame.stream > this.#lastStream)
      throw new ProtocolError('flow-violation', 'unknown stream');
  }

  /** After a reset the peer's frames are ignored until its own reset or end shows that it has seen ours. */
  #settle(frame: StreamFrame): void {
    if (frame.kind === 'reset' || frame.kind === 'end') this.#resetting.delete(frame.stream);
  }

  #beat(): void {
    if (this.#state === 'closed' || this.#state === 'away') return;
    const lost = this.#liveness.beat();
    if (lost !== null) return this.away(lost);
    this.#cancelBeat = this.#options.schedule(() => this.#beat(), limits.heartbeatMs);
    if (this.#state === 'up')
      this.#sender.beat({ kind: 'ping', token: this.#roundTrip.ping(this.#options.now()) });
  }

  #lose(error: ProtocolError): void {
    if (this.#state === 'closed') return;
    this.#end(error.code);
    this.#options.onLost(error);
  }

  #end(code: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelBeat();
    this.#received.stop();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#resetting.clear();
    this.#sender.end();
    for (const stream of streams) stream.abandon(code);
  }
}

function hasLeft(): ProtocolError {
  return new ProtocolError('cancelled', 'the peer has left');
}
