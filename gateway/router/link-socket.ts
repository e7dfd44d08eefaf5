import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import WebSocket from 'ws';
import { concat, copy } from '../../protocol/bytes.ts';
import { tagLength } from '../../protocol/crypto/aes-gcm.ts';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import {
  GatewayFrameSchema,
  RouterToGatewayFrameSchema,
  type RouterToGatewayFrame,
} from '../../protocol/messages/gen/link_pb.js';
import { openLink, type LinkChannel } from '../../protocol/transmission/link-channel.ts';
import type { ServerPublicKey } from '../../protocol/transmission/server-keys.ts';

export interface LinkSocketOptions {
  readonly url: URL;
  readonly tls: { readonly ca?: string[] };
  readonly serverKey: ServerPublicKey;
  readonly onFrame: (frame: RouterToGatewayFrame) => void;
  readonly signal: AbortSignal;
  readonly timing?: Partial<LinkTiming>;
}

export interface LinkTiming {
  readonly handshakeMs: number;
  /** Own pings; the router sends its own, which `ws` answers. */
  readonly pingMs: number;
  /** Neither frame, ping nor pong for so long: the router is gone, whatever TCP still believes. */
  readonly silenceMs: number;
}

const defaultTiming: LinkTiming = { handshakeMs: 10_000, pingMs: 10_000, silenceMs: 25_000 };
/** Bytes that may wait in the socket. A router that takes nothing is a lost one. */
const mostWaiting = 8 * 1024 * 1024;

/** One WebSocket to the router: sealed frames in order, with a heartbeat. Lives once. */
export class LinkSocket {
  /** Settles when the socket is gone, with the reason. */
  readonly closed: Promise<ProtocolError>;
  readonly #socket: WebSocket;
  readonly #channel: LinkChannel;
  readonly #timing: LinkTiming;
  readonly #onFrame: LinkSocketOptions['onFrame'];
  #lastHeard = performance.now();
  #beat: NodeJS.Timeout | null = null;
  #sent: Promise<void> = Promise.resolve(); // results come in order: the last frame's is everybody's
  #reason = new ProtocolError('offline', 'the router closed the link');

  private constructor(socket: WebSocket, channel: LinkChannel, options: LinkSocketOptions) {
    this.#socket = socket;
    this.#channel = channel;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#onFrame = options.onFrame;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        if (this.#beat) clearInterval(this.#beat);
        resolve(this.#reason);
      });
    });
  }

  /** Connects and sends the opening frame. Throws `offline`. */
  static async open(options: LinkSocketOptions): Promise<LinkSocket> {
    const { opening, channel } = await openLink(options.serverKey);
    const socket = new WebSocket(options.url, {
      ...options.tls,
      handshakeTimeout: options.timing?.handshakeMs ?? defaultTiming.handshakeMs,
      maxPayload: limits.linkFrame + tagLength,
      perMessageDeflate: false, // length of secrets shows through compression
      followRedirects: false,
    });
    const link = new LinkSocket(socket, channel, options);
    await link.#start(opening, options.signal);
    return link;
  }

  /** What proofs on this link are bound to. */
  get binding(): LinkChannel['binding'] {
    return this.#channel.binding;
  }

  /** Sends a frame, in the order of the calls. After the end it goes nowhere. */
  send(frame: MessageInitShape<typeof GatewayFrameSchema>): void {
    this.#sent = this.#seal(frame).then(
      (sealed) => this.#write(sealed),
      (error: unknown) => this.fail(toProtocolError(error) ?? new ProtocolError('internal')),
    );
  }

  /** Ends at once, for this reason. */
  fail(reason: ProtocolError): void {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#reason = reason;
    this.#socket.terminate();
  }

  /** Ends after what was sent has left, or in a second. */
  async close(): Promise<void> {
    this.#reason = new ProtocolError('cancelled', 'the gateway closed the link');
    const deadline = setTimeout(() => this.#socket.terminate(), 1_000);
    await this.#sent;
    this.#socket.close(1000);
    await this.closed;
    clearTimeout(deadline);
  }

  async #start(opening: Uint8Array, signal: AbortSignal): Promise<void> {
    const abort = () => this.fail(new ProtocolError('cancelled'));
    signal.addEventListener('abort', abort, { once: true });
    void this.closed.then(() => signal.removeEventListener('abort', abort));
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.#socket.on('ping', () => this.#heard());
    this.#socket.on('pong', () => this.#heard());
    const opened = new Promise<void>((resolve) => this.#socket.once('open', () => resolve()));
    const failure = await Promise.race([opened, this.closed]);
    if (failure) throw failure;
    this.#heard();
    this.#beat = setInterval(() => this.#checkSilence(), this.#timing.pingMs);
    this.#write(opening);
  }

  /** A frame that is too large ends the link and not the process. */
  async #seal(frame: MessageInitShape<typeof GatewayFrameSchema>): Promise<Uint8Array> {
    return await this.#channel.seal(copy(toBinary(GatewayFrameSchema, create(GatewayFrameSchema, frame))));
  }

  #write(bytes: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > mostWaiting) {
      return this.fail(new ProtocolError('timed-out', 'the router takes nothing'));
    }
    this.#socket.send(bytes);
  }

  #receive(data: WebSocket.RawData, isBinary: boolean): void {
    this.#heard();
    if (!isBinary) return this.fail(new ProtocolError('malformed', 'the router sent text'));
    const bytes = Array.isArray(data) ? concat(...data) : new Uint8Array(data);
    this.#channel.open(bytes).then(
      (plaintext) => this.#deliver(plaintext),
      (error: unknown) => this.fail(toProtocolError(error) ?? new ProtocolError('internal')),
    );
  }

  #deliver(plaintext: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    try {
      this.#onFrame(decodeMessage(RouterToGatewayFrameSchema, plaintext));
    } catch (error) {
      this.fail(toProtocolError(error) ?? new ProtocolError('internal', 'a frame could not be handled'));
    }
  }

  #heard(): void {
    this.#lastHeard = performance.now();
  }

  #checkSilence(): void {
    if (performance.now() - this.#lastHeard > this.#timing.silenceMs) {
      return this.fail(new ProtocolError('timed-out', 'the router is silent'));
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  #failed(error: Error): void {
    const code = 'code' in error ? String(error.code) : '';
    const status = /Unexpected server response: (\d+)/.exec(error.message)?.[1];
    const why = status ? `status ${status}` : code || 'no answer';
    if (this.#reason.code === 'offline')
      this.#reason = new ProtocolError('offline', `no link to the router (${why})`);
  }
}
