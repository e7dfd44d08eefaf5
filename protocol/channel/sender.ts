import type { Bytes } from '../bytes.ts';
import { ProtocolError, toProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Carrier, Lane } from './carrier.ts';
import { encodeFrame, type Frame, type StreamFrame } from './frame.ts';
import { PathModel } from './path-model.ts';
import type { ReceivedFrames } from './received-frames.ts';
import { Scheduler } from './scheduler.ts';
import { SentFrames } from './sent-frames.ts';
import type { MultiplexedStream } from './stream.ts';

type Beat = Extract<Frame, { kind: 'ping' | 'pong' }>;

export interface SenderOptions {
  readonly received: ReceivedFrames;
  readonly now: () => number;
  readonly schedule: (run: () => void, ms: number) => () => void;
  /** Frames ahead of data that may wait. */
  readonly mostUrgent: number;
  /** The carrier took a frame no more. */
  readonly onCarrierLost: () => void;
  /** The peer does not do its part, or a frame could not be made. */
  readonly onFailed: (error: ProtocolError) => void;
}

/**
 * What goes to the peer, in its order: answers to heartbeats, then what a lost carrier may not have delivered, then
 * urgent frames, then streams in turn. Without a carrier everything waits, but for heartbeats, which belong to one.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #scheduler = new Scheduler();
  readonly #sent = new SentFrames();
  readonly #path: PathModel;
  #carrier: Carrier | null = null;
  #resuming = false; // the peer has not said yet what it has
  #beats: Beat[] = [];
  #urgent: StreamFrame[] = [];
  #pumping = false;
  #cancelWake: (() => void) | null = null;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#path = new PathModel(options.now);
  }

  get waitingPongs(): number {
    return this.#beats.filter(({ kind }) => kind === 'pong').length;
  }

  waitingControls(stream: number): number {
    return this.#urgent.filter((frame) => frame.kind === 'control' && frame.stream === stream).length;
  }

  /** The first carrier: both ends have counted nothing. */
  begin(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** Another carrier. The peer is told at once what came; the rest waits for {@link proceed}. */
  resume(carrier: Carrier): void {
    this.drop();
    this.#carrier = carrier;
    this.#resuming = true;
    this.#path.restart();
    this.#sent.restart();
    this.#transmit(encodeFrame({ kind: 'resumed', count: this.#options.received.resume() }));
  }

  /** The peer has so many of the frames. Throws `flow-violation` for a count that cannot be. */
  proceed(count: number): void {
    this.#sent.resume(count);
    this.#resuming = false;
  }

  /** All of the first so many came, and so many bytes on this carrier. Throws `flow-violation` for what cannot be. */
  acknowledge(count: number, bytes: number): void {
    const arrived = this.#sent.acknowledge(count, bytes);
    if (arrived > 0) this.#path.acknowledged(arrived);
  }

  /** A heartbeat took so long. */
  roundTrip(ms: number): void {
    this.#path.roundTrip(ms);
  }

  /** The carrier is gone. */
  drop(): void {
    this.#cancelWake?.();
    this.#cancelWake = null;
    this.#carrier = null;
    this.#beats = [];
  }

  /** Nothing is sent any more, but a last word to whoever still listens. */
  end(): void {
    this.#transmit(encodeFrame({ kind: 'bye', count: this.#sent.sent }));
    this.drop();
    this.#scheduler.clear();
    this.#sent.clear();
    this.#urgent = [];
  }

  /** A heartbeat, and what came since the peer heard of it last. Nothing without a carrier that has both ends. */
  beat(frame: Beat): void {
    if (this.#carrier === null || this.#resuming) return;
    const { received } = this.#options;
    if (received.untold) this.#transmit(encodeFrame(received.tell()));
    // A carrier that takes nothing: one question is enough.
    if (frame.kind === 'pong' || !this.#beats.some(({ kind }) => kind === 'ping')) this.#beats.push(frame);
    this.pump();
  }

  urgent(frame: StreamFrame): void {
    if (!this.#mergeCredit(frame)) this.#urgent.push(frame);
    this.pump();
    // A peer that makes us answer and never reads the answers: each stream has its share of the queue, no more.
    if (this.#urgent.length > this.#options.mostUrgent || this.#sent.overfull)
      this.#options.onFailed(new ProtocolError('flow-violation', 'the peer does not read'));
  }

  ready(stream: MultiplexedStream): void {
    this.#scheduler.add(stream);
    this.pump();
  }

  forget(stream: MultiplexedStream): void {
    this.#scheduler.remove(stream);
  }

  /** Sends what the carrier has room for. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#carrier !== null && !this.#resuming && this.#sendNext(this.#carrier));
    } catch (error) {
      // It runs in events of the carrier, where nobody would hear a throw.
      this.#options.onFailed(
        toProtocolError(error) ?? new ProtocolError('internal', 'a frame could not be sent'),
      );
    } finally {
      this.#pumping = false;
    }
  }

  /** Sends one frame if there is one and the carrier has room; those ahead of data may fill it twice as high. */
  #sendNext(carrier: Carrier): boolean {
    const buffered = carrier.bufferedAmount();
    if (buffered >= 2 * limits.channelHighWater) return false;
    const { received } = this.#options;
    if (received.due) return this.#transmit(encodeFrame(received.tell()));
    const beat = this.#beats.shift();
    if (beat !== undefined) return this.#transmit(encodeFrame(beat));
    if (this.#sent.hasUnsent) return this.#hasRoom(buffered) && this.#sendCounted('bulk');
    const urgent = this.#urgent.shift();
    if (urgent === undefined) return this.#sendData(buffered);
    this.#sent.add(encodeFrame({ ...urgent, place: this.#sent.place(urgent.kind, urgent.stream) }));
    return this.#sendCounted('prompt');
  }

  /** Streams with little queued may go a little beyond what the path is thought to hold: a keystroke waits for nobody. */
  #sendData(buffered: number): boolean {
    if (buffered >= limits.channelHighWater || this.#sent.full) return false;
    const full = !this.#hasRoom(buffered) || this.#isPaced();
    if (full && this.#path.inFlight >= this.#path.window + limits.interactiveFlight) return false;
    const stream = this.#scheduler.next(full);
    if (stream === null) {
      if (!full) this.#path.hungry();
      return false;
    }
    const lane = stream.queued > limits.streamInteractive ? 'bulk' : 'prompt';
    const place = this.#sent.place('data', stream.id);
    this.#sent.add(stream.takeFrame(this.#payloadLength(buffered), place));
    const sent = this.#sendCounted(lane);
    stream.drain();
    return sent;
  }

  /** The window has room, and is not to be filled at once. */
  #isPaced(): boolean {
    const ms = this.#path.waitMs;
    if (ms > 0) this.#cancelWake ??= this.#options.schedule(() => this.#wake(), ms);
    return ms > 0;
  }

  #wake(): void {
    this.#cancelWake = null;
    this.pump();
  }

  #hasRoom(buffered: number): boolean {
    return buffered < limits.channelHighWater && this.#path.inFlight < this.#path.window;
  }

  #sendCounted(lane: Lane): boolean {
    const frame = this.#sent.takeUnsent();
    this.#path.sent(frame.length);
    return this.#transmit(frame, lane);
  }

  #transmit(message: Bytes, lane: Lane = 'prompt'): boolean {
    try {
      this.#carrier?.send(message, lane);
      return true;
    } catch {
      // Carriers throw only when they are closed, and their words differ between stacks.
      this.#options.onCarrierLost();
      return false;
    }
  }

  /** Small frames keep a keystroke from waiting behind a long one; where nothing takes long, long ones cost less. */
  #payloadLength(buffered: number): number {
    const { rate, roundTripMs } = this.#path;
    const long = roundTripMs === null || roundTripMs > limits.longPathMs;
    if (rate === null || long || buffered > limits.channelHighWater / 2) return limits.framePayloadUnderLoad;
    const wanted = Math.round(rate * limits.frameMs);
    return Math.min(limits.framePayload, Math.max(limits.framePayloadUnderLoad, wanted));
  }

  /** Grants to one stream that wait together become one frame, so the queue stays bounded. */
  #mergeCredit(frame: StreamFrame): boolean {
    if (frame.kind !== 'credit') return false;
    const at = this.#urgent.findIndex((f) => f.kind === 'credit' && f.stream === frame.stream);
    const waiting = this.#urgent[at];
    if (waiting?.kind !== 'credit') return false;
    this.#urgent[at] = { ...waiting, bytes: waiting.bytes + frame.bytes };
    return true;
  }
}
