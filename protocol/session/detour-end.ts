import { empty, type Bytes } from '../bytes.ts';
import { tagLength } from '../crypto/aes-gcm.ts';
import { ProtocolError, toProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { LinkChannel } from '../transmission/link-channel.ts';
import type { Side } from './session-keys.ts';

/** The WebSocket to the router, as far as a detour needs it. */
export interface DetourSocket {
  /** Bytes that it has taken and not yet sent. */
  readonly waiting: number;
  send(message: Bytes): void;
  close(): void;
}

/** A carrier of one lane, which keeps its order. */
export interface DetourCarrier {
  readonly send: (message: Bytes) => void;
  readonly bufferedAmount: () => number;
}

export interface DetourEndOptions {
  readonly side: Side;
  readonly channel: LinkChannel;
  readonly socket: DetourSocket;
  /** The other end is there and has the keys. Messages may come from here on. */
  readonly onOpen: (carrier: DetourCarrier) => void;
  readonly onMessage: (message: Bytes) => void;
  /** Called once, unless it was closed here: `open-failed` or `malformed` when the router did not leave it as it was. */
  readonly onLost: (reason: ProtocolError) => void;
}

/** A peer keeps at most so much that was not acknowledged (§14.8), so no more can be on its way to here. */
const mostUnopened = 2 * limits.unacknowledged;

/**
 * One end of a detour (protocol.md §14.10): the frames of a multiplexer, each sealed as one message of a WebSocket. Both ends
 * begin with an empty frame, the gateway first: whoever opens it knows that the other has the keys.
 */
export class DetourEnd {
  readonly #options: DetourEndOptions;
  #sealing = 0; // bytes that are being sealed
  #unopened = 0; // bytes that are being opened
  #lastSent: Promise<unknown> = Promise.resolve();
  #lastOpened: Promise<unknown> = Promise.resolve();
  #open = false;
  #over = false;

  constructor(options: DetourEndOptions) {
    this.#options = options;
  }

  /** The router has taken the ticket: from now on its messages are the other end's. */
  start(): void {
    if (this.#options.side === 'gateway') this.#send(empty);
  }

  /** Bytes that were handed over and have not left. */
  get waiting(): number {
    return this.#over ? 0 : this.#sealing + this.#options.socket.waiting;
  }

  /** Bytes that came and are not opened yet. */
  get unopened(): number {
    return this.#unopened;
  }

  /** One message of the router, in the order of arrival. Never throws: what is wrong with it ends in onLost. */
  receive(sealed: Uint8Array): void {
    if (this.#over) return;
    if (sealed.length < tagLength || sealed.length > limits.detour.message)
      return this.lose(new ProtocolError('malformed', 'not a frame of a detour'));
    this.#unopened += sealed.length;
    if (this.#unopened > mostUnopened)
      return this.lose(new ProtocolError('too-large', 'more than a peer has on its way'));
    this.#lastOpened = this.#options.channel.open(sealed).then(
      (message) => {
        this.#unopened -= sealed.length;
        this.#opened(message);
      },
      (error: unknown) => this.lose(asReason(error)),
    );
  }

  /** The socket is gone. What came on it before is heard first: a goodbye is the last of it. */
  left(reason: ProtocolError): void {
    void this.#lastOpened.then(() => this.lose(reason));
  }

  /** Something is wrong with it: nothing that came is heard any more. */
  lose(reason: ProtocolError): void {
    if (this.#over) return;
    this.close();
    this.#options.onLost(reason);
  }

  /** What was handed over still leaves. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    void this.#lastSent.then(() => this.#options.socket.close());
  }

  #opened(message: Bytes): void {
    if (this.#over) return;
    if (this.#open === (message.length === 0))
      return this.lose(new ProtocolError('malformed', 'an empty frame begins a detour, and nothing else is'));
    if (this.#open) return this.#options.onMessage(message);
    this.#open = true;
    if (this.#options.side === 'vault') this.#send(empty);
    this.#options.onOpen({
      send: (frame) => {
        if (this.#over) throw new ProtocolError('unavailable', 'the detour is closed');
        this.#send(frame);
      },
      bufferedAmount: () => this.waiting,
    });
  }

  #send(message: Bytes): void {
    const { channel, socket } = this.#options;
    this.#sealing += message.length;
    this.#lastSent = channel.seal(message).then(
      (sealed) => {
        this.#sealing -= message.length;
        socket.send(sealed);
      },
      (error: unknown) => this.lose(asReason(error)),
    );
  }
}

function asReason(error: unknown): ProtocolError {
  return toProtocolError(error) ?? new ProtocolError('internal', 'a frame could not be handled');
}
