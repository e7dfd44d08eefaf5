import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../bytes.ts';
import { ProtocolError, toProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { StreamOpenSchema, type StreamOpen } from '../messages/gen/session_pb.js';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import { RoundTrip } from './round-trip.ts';
import { Scheduler } from './scheduler.ts';
import { MultiplexedStream, type Stream, type StreamCarrier } from './stream.ts';

export type { Stream } from './stream.ts';

export interface MultiplexerOptions {
  /** The end that may open streams; the page is. */
  readonly role: 'opener' | 'acceptor';
  /** Hands one message to the channel, which must be open. A throw means that the channel is gone. */
  readonly send: (message: Bytes) => void;
  /** Bytes that the channel has taken and not yet sent. */
  readonly bufferedAmount: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Calls back after `ms`; the function returned cancels. */
  readonly schedule: (run: () => void, ms: number) => () => void;
  /** Acceptor: a stream the peer opened. Set its callbacks before returning, or reset it. */
  readonly onStream?: (stream: Stream, open: StreamOpen) => void;
  /**
   * The peer is gone or broke the rules: `timed-out` after silence, `unavailable` when sending failed, else what it
   * did (`malformed`, `too-large`, `flow-violation`). Every stream's onReset came before. Close the peer connection.
   */
  readonly onLost: (error: ProtocolError) => void;
  readonly maxStreams?: number;
}

/**
 * Many streams over one ordered, reliable channel (protocol.md §14). Data waits here, not in the channel, so that
 * heartbeats, credit and control messages overtake it. Call `receive` for each message and `writable` when
 * the channel's bufferedAmount falls below `limits.channelLowWater`.
 */
export class Multiplexer {
  readonly #options: MultiplexerOptions;
  readonly #maxStreams: number;
  readonly #roundTrip = new RoundTrip();
  readonly #scheduler = new Scheduler();
  readonly #carrier: StreamCarrier;
  readonly #streams = new Map<number, MultiplexedStream>();
  readonly #resetting = new Set<number>(); // reset here, frames of the peer may still be on their way
  #urgent: Frame[] = [];
  #lastStream = 0;
  #silentBeats = 0;
  #cancelBeat: () => void;
  #pumping = false;
  #closed = false;

  constructor(options: MultiplexerOptions) {
    this.#options = options;
    this.#maxStreams = options.maxStreams ?? limits.streamsPerPeer;
    this.#carrier = this.#createCarrier();
    this.#cancelBeat = options.schedule(() => this.#beat(), 0);
  }

  /** Smoothed round trip of the heartbeats, null before the first answer. */
  get roundTripMs(): number | null {
    return this.#roundTrip.smoothedMs;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Opens a stream to the acceptor. Throws `limit-reached`, or `unavailable` after the end. */
  openStream(open: MessageInitShape<typeof StreamOpenSchema>): Stream {
    if (this.#closed || this.#options.role !== 'opener') throw new ProtocolError('unavailable', 'no channel');
    if (this.#occupied >= this.#maxStreams) throw new ProtocolError('limit-reached', 'too many streams');
    const frame: Frame = { kind: 'open', stream: this.#lastStream + 1, open: create(StreamOpenSchema, open) };
    encodeFrame(frame); // refuses a bad token before anything remembers the stream
    const stream = this.#addStream(frame.stream);
    this.#sendUrgent(frame);
    return stream;
  }

  /** One message of the channel. Never throws: what the peer does wrong ends in onLost. */
  receive(message: Uint8Array): void {
    if (this.#closed) return;
    this.#silentBeats = 0;
    try {
      this.#dispatch(decodeFrame(message));
    } catch (error) {
      this.#lose(toProtocolError(error) ?? new ProtocolError('internal', 'a frame could not be handled'));
    }
    this.#pump();
  }

  /** The channel has room again. */
  writable(): void {
    this.#pump();
  }

  /** Ends all streams (onReset with `cancelled`) and the heartbeat. The channel is the caller's to close. */
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
      sendUrgent: (frame) => this.#sendUrgent(frame),
      urgentControls: (id) => this.#urgent.filter((f) => f.kind === 'control' && f.stream === id).length,
      ready: (stream) => {
        this.#scheduler.add(stream);
        this.#pump();
      },
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
    this.#scheduler.remove(stream);
  }

  #dispatch(frame: Frame): void {
    switch (frame.kind) {
      case 'ping':
        return this.#answer(frame.token);
      case 'pong':
        return this.#roundTrip.pong(frame.token, this.#options.now());
      case 'open':
        return this.#accept(frame.stream, frame.open);
      case 'data':
      case 'credit':
      case 'end':
      case 'reset':
      case 'control':
        return this.#deliver(frame);
    }
  }

  #answer(token: Bytes): void {
    const waiting = this.#urgent.filter((frame) => frame.kind === 'pong').length;
    if (waiting >= limits.pongsWaiting) throw new ProtocolError('flow-violation', 'too many pings');
    this.#sendUrgent({ kind: 'pong', token });
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

  #deliver(frame: Exclude<Frame, { kind: 'open' | 'ping' | 'pong' }>): void {
    const stream = this.#streams.get(frame.stream);
    if (stream !== undefined) return stream.receive(frame);
    if (this.#resetting.has(frame.stream)) return this.#settle(frame);
    // Credit and resets may cross the end of the stream on their way; they do no harm.
    const harmless = frame.kind === 'credit' || frame.kind === 'reset';
    if (!harmless || frame.stream > this.#lastStream)
      throw new ProtocolError('flow-violation', 'unknown stream');
  }

  /** After a reset the peer's frames are ignored until its own reset or end shows that it has seen ours. */
  #settle(frame: Frame & { readonly stream: number }): void {
    if (frame.kind === 'reset' || frame.kind === 'end') this.#resetting.delete(frame.stream);
  }

  #sendUrgent(frame: Frame): void {
    if (this.#closed) return;
    if (!this.#mergeCredit(frame)) this.#urgent.push(frame);
    this.#pump();
    // A peer that makes us answer and never reads the answers: each stream has its share of the queue, no more.
    if (this.#urgent.length > this.#maxStreams * (limits.streamControls + 4) + limits.pongsWaiting) {
      this.#lose(new ProtocolError('flow-violation', 'the peer does not read'));
    }
  }

  /** Grants to one stream that wait together become one frame, so the queue stays bounded. */
  #mergeCredit(frame: Frame): boolean {
    if (frame.kind !== 'credit') return false;
    const at = this.#urgent.findIndex((f) => f.kind === 'credit' && f.stream === frame.stream);
    const waiting = this.#urgent[at];
    if (waiting?.kind !== 'credit') return false;
    this.#urgent[at] = { ...waiting, bytes: waiting.bytes + frame.bytes };
    return true;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#closed && this.#sendNext());
    } catch (error) {
      // It runs in events of the channel, where nobody would hear a throw.
      this.#lose(toProtocolError(error) ?? new ProtocolError('internal', 'a frame could not be sent'));
    } finally {
      this.#pumping = false;
    }
  }

  /** Sends one frame if there is one and the channel has room; urgent ones may fill it twice as high. */
  #sendNext(): boolean {
    const buffered = this.#options.bufferedAmount();
    const urgent = this.#urgent[0];
    if (urgent !== undefined) {
      if (buffered >= 2 * limits.channelHighWater) return false;
      this.#urgent.shift();
      return this.#send(encodeFrame(urgent));
    }
    if (buffered >= limits.channelHighWater) return false;
    const stream = this.#scheduler.next();
    if (stream === null) return false;
    const sent = this.#send(stream.takeFrame(this.#payloadLength(buffered)));
    stream.drain();
    return sent;
  }

  #send(message: Bytes): boolean {
    try {
      this.#options.send(message);
      return true;
    } catch {
      // Channels throw only when they are closed, and their words differ between stacks.
      this.#lose(new ProtocolError('unavailable', 'the channel is closed'));
      return false;
    }
  }

  /** Small frames on a long or filling path, where a large one would hold up all behind it (media.md). */
  #payloadLength(buffered: number): number {
    const long = (this.#roundTrip.minimumMs ?? 0) > limits.longPathMs;
    const filling = buffered > limits.channelHighWater / 2;
    return long || filling ? limits.framePayloadUnderLoad : limits.framePayload;
  }

  /** Silence is counted in beats, not by the clock: a machine that slept has not heard its peer be silent. */
  #beat(): void {
    if (this.#closed) return;
    if (this.#silentBeats * limits.heartbeatMs >= limits.heartbeatLostMs) {
      return this.#lose(new ProtocolError('timed-out', 'the peer is silent'));
    }
    this.#silentBeats++;
    this.#cancelBeat = this.#options.schedule(() => this.#beat(), limits.heartbeatMs);
    this.#sendUrgent({ kind: 'ping', token: this.#roundTrip.ping(this.#options.now()) });
  }

  #lose(error: ProtocolError): void {
    if (this.#closed) return;
    this.#end(error.code);
    this.#options.onLost(error);
  }

  #end(code: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelBeat();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#resetting.clear();
    this.#scheduler.clear();
    this.#urgent = [];
    for (const stream of streams) stream.abandon(code);
  }
}
