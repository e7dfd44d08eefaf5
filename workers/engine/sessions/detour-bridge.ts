import type { FromDetour } from '../../api.ts';
import { copy, type Bytes } from '../../../protocol/bytes.ts';
import type { DetourCarrier } from '../../../protocol/session/detour-end.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { DetourEnd } from '../../../protocol/session/detour-end.ts';
import type { LinkChannel } from '../../../protocol/transmission/link-channel.ts';
import type { Clock } from '../clock.ts';
import type { Socket, Transport } from '../environment.ts';

export interface DetourBridgeParts {
  readonly origin: string;
  readonly transport: Pick<Transport, 'openSocket'>;
  readonly clock: Clock;
  readonly ticket: Bytes;
  readonly channel: LinkChannel;
  /** To the page. */
  readonly port: MessagePort;
  /** Once, whatever ended it. */
  readonly onEnd: () => void;
}

/** From the ticket to the gateway's first frame. */
const openMs = 8_000;
/** A WebSocket does not say when bytes have left. */
const lookEveryMs = 5;
/** The page is told of room well before this; more is a page that does not wait. */
const mostWaiting = 2 * limits.unacknowledged;

/** One detour between a socket, under its keys, and the page, which sees neither. */
export class DetourBridge {
  readonly #parts: DetourBridgeParts;
  readonly #socket: Socket;
  readonly #end: DetourEnd;
  #carrier: DetourCarrier | null = null;
  #given = 0; // bytes that the page gave
  #told = 0; // of these it knows that they have left
  #cancelLook: (() => void) | null = null;
  #cancelDeadline: () => void;
  #up = false;
  #over = false;

  constructor(parts: DetourBridgeParts) {
    this.#parts = parts;
    const { port, channel, clock } = parts;
    this.#socket = parts.transport.openSocket(new URL('/api/v1/detour', parts.origin), {
      opened: () => this.#opened(),
      received: (message) => this.#end.receive(message),
      closed: () => this.#end.left(new ProtocolError('offline', 'the router closed it')),
    });
    this.#end = new DetourEnd({
      ...{ side: 'vault', channel, socket: this.#asSocket() },
      onOpen: (carrier) => this.#begin(carrier),
      onMessage: (message) => this.#say({ kind: 'message', message }, [message.buffer]),
      onLost: ({ code, message }) => this.#stop({ kind: 'lost', code, message }),
    });
    this.#cancelDeadline = clock.schedule(openMs, () => this.#lose('timed-out', 'the gateway did not come'));
    port.onmessage = ({ data }: MessageEvent<unknown>) => this.#take(data);
  }

  close(): void {
    this.#lose('cancelled', 'the vault is locked');
  }

  #opened(): void {
    this.#up = true;
    this.#socket.send(this.#parts.ticket);
    this.#end.start();
  }

  #begin(carrier: DetourCarrier): void {
    this.#cancelDeadline();
    this.#carrier = carrier;
    this.#say({ kind: 'open' });
  }

  /** A frame of the page's, or its end. Anything else is the end, too. */
  #take(data: unknown): void {
    const message = messageIn(data);
    if (message === null || this.#carrier === null || this.#over) return this.#stop(null);
    this.#given += message.length;
    this.#carrier.send(copy(message));
    if (this.#end.waiting > mostWaiting) return this.#lose('too-large', 'the page does not wait');
    this.#look();
  }

  /** Tells the page how much has left, until all of it has. */
  #look(): void {
    if (this.#cancelLook !== null || this.#over) return;
    this.#cancelLook = this.#parts.clock.schedule(lookEveryMs, () => {
      this.#cancelLook = null;
      const waiting = Math.min(this.#given, this.#end.waiting);
      if (this.#given - waiting > this.#told) {
        this.#told = this.#given - waiting;
        this.#say({ kind: 'sent', bytes: this.#told });
      }
      if (waiting > 0) this.#look();
    });
  }

  #lose(code: 'timed-out' | 'cancelled' | 'too-large', message: string): void {
    this.#end.lose(new ProtocolError(code, message));
  }

  #stop(last: FromDetour | null): void {
    if (this.#over) return;
    if (last) this.#say(last);
    this.#over = true;
    this.#cancelDeadline();
    this.#cancelLook?.();
    this.#end.close();
    this.#parts.port.onmessage = null;
    this.#parts.port.close();
    this.#parts.onEnd();
  }

  #say(said: FromDetour, transfer: Transferable[] = []): void {
    if (!this.#over) this.#parts.port.postMessage(said, transfer);
  }

  #asSocket() {
    const socket = this.#socket;
    return {
      get waiting() {
        return socket.waiting;
      },
      send: (message: Bytes) => {
        if (this.#up) socket.send(message);
      },
      close: () => {
        this.#up = false;
        socket.close();
      },
    };
  }
}

function messageIn(data: unknown): Uint8Array | null {
  if (typeof data !== 'object' || data === null || !('message' in data)) return null;
  return data.message instanceof Uint8Array ? data.message : null;
}
