import WebSocket from 'ws';
import { concat, type Bytes } from '../../protocol/bytes.ts';
import type { Carrier } from '../../protocol/channel/carrier.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { DetourEnd } from '../../protocol/session/detour-end.ts';
import type { LinkChannel } from '../../protocol/transmission/link-channel.ts';

export interface DetourHooks {
  /** The page is there. Messages may come from here on. */
  readonly onOpen: (carrier: Carrier) => void;
  readonly onMessage: (message: Bytes) => void;
  readonly onRoom: () => void;
  /** Called once, unless it was closed here. Whatever the router did to it: this way is gone, and no more. */
  readonly onLost: (reason: ProtocolError) => void;
}

export interface DetourLinkOptions extends DetourHooks {
  readonly url: URL;
  readonly tls: { readonly ca?: string[] };
  readonly ticket: Uint8Array;
  readonly channel: LinkChannel;
}

/** From the call for it to the page's first frame. */
const openMs = 8_000;
/** Bytes that may wait to be opened before the socket is not read any more. */
const mostUnopened = 1024 * 1024;

/** A way to a page through the router: dialled from here when the router says that the page waits. protocol.md §14.10. */
export class DetourLink {
  readonly #options: DetourLinkOptions;
  readonly #socket: WebSocket;
  readonly #end: DetourEnd;
  readonly #deadline: NodeJS.Timeout;
  #full = false;

  constructor(options: DetourLinkOptions) {
    this.#options = options;
    const socket = new WebSocket(options.url, {
      ...options.tls,
      handshakeTimeout: openMs,
      maxPayload: limits.detour.message,
      perMessageDeflate: false, // it is sealed
      followRedirects: false,
    });
    this.#socket = socket;
    this.#end = this.#createEnd(options);
    const late = () => this.#end.lose(new ProtocolError('timed-out', 'the page is not on the detour'));
    this.#deadline = setTimeout(late, openMs);
    this.#listen();
  }

  /** What was sent is still delivered. */
  close(): void {
    clearTimeout(this.#deadline);
    this.#end.close();
  }

  #createEnd({ channel, onOpen, onLost }: DetourLinkOptions): DetourEnd {
    return new DetourEnd({
      ...{ side: 'gateway', channel, socket: this.#asSocket() },
      onOpen: (carrier) => {
        clearTimeout(this.#deadline);
        onOpen(carrier);
      },
      onMessage: (message) => this.#hand(message),
      onLost: (reason) => {
        clearTimeout(this.#deadline);
        onLost(new ProtocolError('unavailable', `the detour is gone: ${reason.code}, ${reason.message}`));
      },
    });
  }

  #listen(): void {
    const socket = this.#socket;
    const gone = (why: string) => this.#end.left(new ProtocolError('offline', why));
    socket.on('error', () => gone('no connection to the router'));
    socket.once('close', () => gone('the router closed it'));
    socket.once('open', () => {
      socket.send(this.#options.ticket);
      this.#end.start();
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary) return this.#end.lose(new ProtocolError('malformed', 'the router sent text'));
      this.#end.receive(Array.isArray(data) ? concat(...data) : new Uint8Array(data));
      if (this.#end.unopened > mostUnopened && !socket.isPaused) socket.pause();
    });
  }

  #hand(message: Bytes): void {
    if (this.#socket.isPaused && this.#end.unopened < mostUnopened / 2) this.#socket.resume();
    this.#options.onMessage(message);
  }

  #asSocket() {
    const socket = this.#socket;
    return {
      get waiting() {
        return socket.bufferedAmount;
      },
      send: (message: Bytes) => {
        if (socket.readyState !== WebSocket.OPEN) return;
        if (socket.bufferedAmount > limits.channelLowWater) this.#full = true;
        socket.send(message, () => this.#drained());
      },
      close: () => closeSoon(socket),
    };
  }

  #drained(): void {
    if (this.#full && this.#end.waiting >= limits.channelLowWater) return;
    this.#full = false;
    this.#options.onRoom();
  }
}

/** For the router's answer to a close frame. */
const closeMs = 1_000;

function closeSoon(socket: WebSocket): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  if (socket.isPaused) socket.resume();
  socket.close(1000);
  const late = setTimeout(() => socket.terminate(), closeMs);
  socket.once('close', () => clearTimeout(late));
}
