import type { RawData, WebSocket } from 'ws';
import { concat } from '../../../protocol/bytes.ts';
import { limits } from '../../../protocol/limits.ts';
import { lengthOf } from './detour-pipe.ts';

/** Sockets that have not said their ticket yet, of this process; the oldest makes room. */
const mostKnocks = 256;

/** Sockets whose first message must be a ticket, and soon. */
export class Knocks {
  readonly #withinMs: number;
  readonly #admit: (socket: WebSocket, ticket: Uint8Array) => void;
  readonly #waiting = new Map<WebSocket, NodeJS.Timeout>();

  /** What `admit` refuses by a throw is ended. */
  constructor(withinMs: number, admit: (socket: WebSocket, ticket: Uint8Array) => void) {
    this.#withinMs = withinMs;
    this.#admit = admit;
  }

  get size(): number {
    return this.#waiting.size;
  }

  take(socket: WebSocket): void {
    socket.on('error', () => socket.terminate()); // a message over the bound, or a broken connection
    if (this.#waiting.size >= mostKnocks) this.#makeRoom();
    this.#waiting.set(
      socket,
      setTimeout(() => socket.terminate(), this.#withinMs),
    );
    socket.once('close', () => this.#forget(socket));
    socket.once('message', (data, isBinary) => this.#knock(socket, data, isBinary));
  }

  close(): void {
    for (const socket of [...this.#waiting.keys()]) socket.terminate();
  }

  /** Its end is said later: it makes room for one, however many come until then. */
  #makeRoom(): void {
    const [oldest] = this.#waiting.keys();
    if (!oldest) return;
    this.#forget(oldest);
    oldest.terminate();
  }

  #knock(socket: WebSocket, data: RawData, isBinary: boolean): void {
    this.#forget(socket);
    try {
      if (!isBinary || lengthOf(data) !== limits.detour.ticket) return socket.terminate();
      this.#admit(socket, bytesOf(data));
    } catch {
      socket.terminate(); // whoever has no ticket learns nothing
    }
  }

  #forget(socket: WebSocket): void {
    clearTimeout(this.#waiting.get(socket));
    this.#waiting.delete(socket);
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return concat(...data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
