import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../bytes.ts';
import { ProtocolError, toProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { StreamControlSchema, type StreamControl } from '../messages/gen/session_pb.js';
import { CreditWindow, type PathClock } from './credit-window.ts';
import { encodeFrame, streamHeaderLength, writeStreamHeader, type Place, type StreamFrame } from './frame.ts';
import { OutgoingQueue } from './outgoing-queue.ts';

/**
 * One ordered byte stream each way between the two ends of a peer connection. Set the `on…` callbacks in the
 * same turn in which the stream was handed out. A callback that throws resets its own stream and no other.
 */
export interface Stream {
  readonly id: number;
  /** Bytes written that no frame has taken yet. */
  readonly queued: number;
  /** False once both sides have ended, or one has reset. */
  readonly open: boolean;
  /**
   * Queues bytes; they must not be changed afterwards. False asks the caller to wait for onDrain, or says that the
   * stream takes no more (ended or reset). Throws `limit-reached` for a caller that never waits.
   */
  write(bytes: Uint8Array): boolean;
  /** Sends a message that overtakes queued bytes. Does nothing after the end. Throws `limit-reached` or `too-large`. */
  control(message: MessageInitShape<typeof StreamControlSchema>): void;
  /** Tells the peer that `bytes` more of what onData gave are used up, so that it may send more. */
  consumed(bytes: number): void;
  /** No more bytes follow those already written. The other direction goes on. */
  end(): void;
  /** Drops both directions at once. `code`: lower-case words with hyphens. onReset is not called for it. */
  reset(code: string): void;
  onData: ((bytes: Uint8Array) => void) | null;
  onControl: ((control: StreamControl) => void) | null;
  /** Room again after write returned false. */
  onDrain: (() => void) | null;
  /** The peer has ended its direction. */
  onEnd: (() => void) | null;
  /** The stream is gone without an orderly end: reset by the peer, or the peer connection was lost or closed. */
  onReset: ((code: string) => void) | null;
}

/** What a stream asks of the multiplexer that carries it. */
export interface StreamCarrier extends PathClock {
  /** Queues a frame ahead of data. */
  sendUrgent(frame: StreamFrame): void;
  /** Frames of one kind waiting ahead of data for one stream. */
  urgentControls(stream: number): number;
  /** The stream has bytes or an end to send. */
  ready(stream: MultiplexedStream): void;
  /** The stream has sent its last frame and had the peer's. */
  gone(stream: MultiplexedStream): void;
  /** The stream was reset on this side, and the peer has not answered. */
  resetting(stream: MultiplexedStream): void;
}

/** The multiplexer's half of a stream; everybody else sees {@link Stream}. */
export class MultiplexedStream implements Stream {
  readonly id: number;
  onData: Stream['onData'] = null;
  onControl: Stream['onControl'] = null;
  onDrain: Stream['onDrain'] = null;
  onEnd: Stream['onEnd'] = null;
  onReset: Stream['onReset'] = null;
  readonly #carrier: StreamCarrier;
  readonly #queue = new OutgoingQueue();
  readonly #window: CreditWindow;
  #credit: number = limits.initialCredit;
  #refused = false; // a write was asked to wait
  #ending = false;
  #endSent = false;
  #endReceived = false;
  #dead = false;

  constructor(id: number, carrier: StreamCarrier) {
    this.id = id;
    this.#carrier = carrier;
    this.#window = new CreditWindow(carrier);
  }

  get queued(): number {
    return this.#queue.length;
  }

  get open(): boolean {
    return !this.#dead && !(this.#endSent && this.#endReceived);
  }

  get endReceived(): boolean {
    return this.#endReceived;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#dead || this.#ending) return false;
    if (this.#queue.length >= 4 * limits.streamQueue) {
      throw new ProtocolError('limit-reached', 'the writer does not wait for the stream');
    }
    this.#queue.push(bytes);
    if (this.sendable) this.#carrier.ready(this);
    this.#refused = this.#queue.length >= limits.streamQueue;
    return !this.#refused && !this.#dead;
  }

  control(message: MessageInitShape<typeof StreamControlSchema>): void {
    if (this.#dead || this.#endSent) return;
    if (this.#carrier.urgentControls(this.id) >= limits.streamControls) {
      throw new ProtocolError('limit-reached', 'too many control messages wait');
    }
    const control = create(StreamControlSchema, message);
    this.#carrier.sendUrgent(checked({ kind: 'control', stream: this.id, control }));
  }

  consumed(bytes: number): void {
    if (this.#dead) return;
    const grant = this.#window.consume(bytes);
    // A peer that has ended needs no credit.
    if (grant > 0 && !this.#endReceived) {
      this.#carrier.sendUrgent({ kind: 'credit', stream: this.id, bytes: grant });
    }
  }

  end(): void {
    if (this.#dead || this.#ending) return;
    this.#ending = true;
    if (this.sendable) this.#carrier.ready(this);
  }

  reset(code: string): void {
    if (!this.open) return;
    const frame = checked({ kind: 'reset', stream: this.id, code });
    this.#drop();
    // After its END the peer sends nothing that would have to be told apart from a breach of the rules.
    if (this.#endReceived) this.#carrier.gone(this);
    else this.#carrier.resetting(this);
    this.#carrier.sendUrgent(frame);
  }

  /** Whether a frame could be taken now: bytes within the credit, or the end. */
  get sendable(): boolean {
    if (this.#dead || this.#endSent) return false;
    return this.#queue.length > 0 ? this.#credit > 0 : this.#ending;
  }

  /** The next DATA frame of at most `maxPayload` bytes, or the END frame, for that place. */
  takeFrame(maxPayload: number, place: Place): Bytes {
    const length = Math.min(maxPayload, this.#queue.length, this.#credit);
    const frame = new Uint8Array(streamHeaderLength + length);
    writeStreamHeader(frame, length > 0 ? 'data' : 'end', this.id, place);
    this.#queue.fill(frame, streamHeaderLength);
    this.#credit -= length;
    if (length === 0) this.#sentEnd();
    return frame;
  }

  /** Calls onDrain when a writer waits and there is room again. */
  drain(): void {
    if (!this.#refused || this.#queue.length > limits.streamQueue / 2 || this.#ending) return;
    this.#refused = false;
    this.#call(() => this.onDrain?.());
  }

  /** A frame of the peer for this stream. Throws `flow-violation` for what the peer may not send. */
  receive(frame: Exclude<StreamFrame, { kind: 'open' }>): void {
    switch (frame.kind) {
      case 'data':
        return this.#receiveData(frame.data);
      case 'control':
        return this.#receiveControl(frame.control);
      case 'credit':
        return this.#receiveCredit(frame.bytes);
      case 'end':
        return this.#receiveEnd();
      case 'reset':
        this.#carrier.sendUrgent({ kind: 'reset', stream: this.id, code: 'closed' });
        this.#carrier.gone(this);
        return this.abandon(frame.code);
    }
  }

  /** The stream is gone, for a reason that lies outside it. */
  abandon(code: string): void {
    if (this.#dead) return;
    this.#drop();
    this.#tell(code);
  }

  #receiveData(data: Uint8Array): void {
    this.#peerMayStillSend();
    this.#window.receive(data.length);
    const { onData } = this;
    if (onData === null) return this.#fail('refused');
    this.#call(() => onData(data));
  }

  #receiveControl(control: StreamControl): void {
    this.#peerMayStillSend();
    // A newer peer may say what this one does not know.
    if (control.body.case !== undefined) this.#call(() => this.onControl?.(control));
  }

  #receiveCredit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > limits.maxCredit)
      throw new ProtocolError('flow-violation', 'more credit than allowed');
    if (this.sendable) this.#carrier.ready(this);
  }

  #receiveEnd(): void {
    this.#peerMayStillSend();
    this.#endReceived = true;
    if (this.#endSent) this.#carrier.gone(this);
    this.#call(() => this.onEnd?.());
  }

  #peerMayStillSend(): void {
    if (this.#endReceived) throw new ProtocolError('flow-violation', 'a frame after the end');
  }

  #sentEnd(): void {
    this.#endSent = true;
    if (this.#endReceived) this.#carrier.gone(this);
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      // Its owner's fault ends this stream alone; the owner is told by the code.
      this.#fail(toProtocolError(error)?.code ?? 'internal');
    }
  }

  #fail(code: string): void {
    this.reset(code);
    this.#tell(code);
  }

  #tell(code: string): void {
    try {
      this.onReset?.(code);
    } catch {
      // The stream is gone already; its owner's fault must not keep other streams from being told.
    }
  }

  #drop(): void {
    this.#dead = true;
    this.#queue.clear();
  }
}

/** Refuses what cannot be encoded to whoever says it, and not later to whatever event sends it. */
function checked(frame: StreamFrame): StreamFrame {
  encodeFrame({ ...frame, place: { number: 0, back: 0 } });
  return frame;
}
