// A WebSocket whose frames are sealed by the link channel: order, bounds, heartbeat and end. protocol.md §11.
import type { RawData, WebSocket } from 'ws';
import { concat, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { acceptLink, type LinkChannel } from '../../../protocol/transmission/link-channel.ts';
import type { ServerPrivateKey } from '../../../protocol/transmission/server-keys.ts';

/** The user of a link. Calls come one after another; a frame waits for the handling of the one before. */
export interface LinkUser {
  opened(): void;
  /** May throw ProtocolError: the link is closed with its code. */
  received(frame: Bytes): Promise<void>;
  /** Once, whatever ended the link. */
  closed(): Promise<void>;
  /** The last frame of the link, which says why it ends. */
  encodeClosing(code: ErrorCode): Bytes;
  /** What the peer may learn of an error; one that is no refusal is logged. */
  codeOf(error: unknown): ErrorCode;
}

export interface LinkTimes {
  /** Between two pings. A peer that answers none until the next is gone. */
  readonly heartbeatMs: number;
  /** From the socket's opening to the proof. */
  readonly proofMs: number;
  /** For the peer's answer to a close frame. */
  readonly closeMs: number;
}

export const linkTimes: LinkTimes = { heartbeatMs: 15_000, proofMs: 10_000, closeMs: 2_000 };

/**
 * What may wait for a slow peer: the largest roster, and what its sessions say meanwhile. More than this is a lost peer:
 * closing it costs it a reconnect, keeping it our memory.
 */
const mostWaitingBytes = limits.rosterBytes + 2 * 1024 * 1024;
/** Frames that may wait for their handling before the socket is paused. */
const mostWaitingFrames = 64;

export class SealedLink {
  readonly #socket: WebSocket;
  readonly #user: LinkUser;
  readonly #times: LinkTimes;
  readonly #keys: () => readonly ServerPrivateKey[];
  readonly #heartbeat: NodeJS.Timeout;
  readonly #proofDeadline: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<void>();
  #channel: LinkChannel | null = null;
  #receiving: Promise<void> = Promise.resolve();
  #sending: Promise<void> = Promise.resolve();
  #waitingFrames = 0;
  #waitingBytes = 0;
  #alive = true;
  #closing = false;

  constructor(
    socket: WebSocket,
    keys: () => readonly ServerPrivateKey[],
    user: LinkUser,
    times: LinkTimes = linkTimes,
  ) {
    this.#socket = socket;
    this.#keys = keys;
    this.#user = user;
    this.#times = times;
    this.#heartbeat = setInterval(() => this.#beat(), times.heartbeatMs);
    this.#proofDeadline = setTimeout(() => this.close('timed-out'), times.proofMs);
    socket.on('message', (data, isBinary) => this.#enqueue(data, isBinary));
    socket.on('pong', () => (this.#alive = true));
    socket.on('error', () => socket.terminate()); // a frame over the bound, or a broken connection
    socket.once('close', () => this.#end());
  }

  /** Resolves when the socket is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** SHA-256 of the opening frame. Only once opened. */
  get binding(): Bytes {
    if (!this.#channel) throw new ProtocolError('internal', 'the link is not open');
    return this.#channel.binding;
  }

  /** The peer has proved itself: it may stay. */
  admit(): void {
    clearTimeout(this.#proofDeadline);
  }

  /** Seals and sends. A peer that does not take what is sent loses the link. */
  send(frame: Bytes): void {
    if (!this.#channel || this.#closing) return;
    this.#transmit(frame);
  }

  /** Says why, then ends. */
  close(code: ErrorCode): void {
    if (this.#closing) return;
    if (this.#channel) this.#transmit(this.#user.encodeClosing(code));
    this.#closing = true;
    void this.#sending.finally(() => this.#socket.close(1000, code));
    const late = setTimeout(() => this.#socket.terminate(), this.#times.closeMs);
    void this.ended.then(() => clearTimeout(late));
  }

  #transmit(frame: Bytes): void {
    const channel = this.#channel;
    if (!channel) return;
    if (this.#waitingBytes + this.#socket.bufferedAmount > mostWaitingBytes) return this.#socket.terminate();
    this.#waitingBytes += frame.length;
    const sealed = sealNext(channel, frame);
    sealed.catch(() => undefined); // reported below, once the frames before it are sent
    this.#sending = this.#sending
      .then(async () => this.#socket.send(await sealed))
      .catch((error: unknown) => this.#giveUp(error))
      .finally(() => (this.#waitingBytes -= frame.length));
  }

  #enqueue(data: RawData, isBinary: boolean): void {
    this.#alive = true;
    if (this.#closing) return;
    if (++this.#waitingFrames >= mostWaitingFrames) this.#socket.pause();
    this.#receiving = this.#receiving
      .then(() => this.#receive(isBinary ? bytesOf(data) : null))
      .catch((error: unknown) => this.#refuse(error))
      .finally(() => {
        this.#waitingFrames -= 1;
        if (this.#socket.isPaused && this.#waitingFrames < mostWaitingFrames / 2) this.#socket.resume();
      });
  }

  async #receive(frame: Bytes | null): Promise<void> {
    if (this.#closing) return;
    if (!frame || frame.length > limits.linkFrame + 64)
      throw new ProtocolError('malformed', 'not a link frame');
    if (this.#channel) return await this.#user.received(await this.#channel.open(frame));
    this.#channel = await acceptLink(this.#keys(), frame);
    this.#user.opened();
  }

  #refuse(error: unknown): void {
    this.close(this.#user.codeOf(error));
  }

  #giveUp(error: unknown): void {
    this.#user.codeOf(error);
    this.#socket.terminate();
  }

  #beat(): void {
    if (!this.#alive) return this.#socket.terminate();
    this.#alive = false;
    this.#socket.ping();
  }

  #end(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#proofDeadline);
    this.#closing = true;
    // After the frames that were still being handled, so that a user never sees a frame after the end.
    void this.#receiving
      .then(() => this.#user.closed())
      .catch((error: unknown) => this.#user.codeOf(error))
      .finally(() => this.#ended.resolve());
  }
}

/** Takes the frame's number now, so the order is that of the calls. Never throws: it rejects. */
async function sealNext(channel: LinkChannel, frame: Bytes): Promise<Bytes> {
  return await channel.seal(frame);
}

function bytesOf(data: RawData): Bytes {
  if (Array.isArray(data)) return concat(...data);
  return concat(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
}
