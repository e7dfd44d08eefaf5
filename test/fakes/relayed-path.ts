import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/**
 * The only way between a page and a gateway that a test leaves open: through the gateway's relay. On one machine
 * everything reaches everything, and a path that was found by a relay would be left for a shorter one: so what comes from
 * anywhere but the relay is dropped on the way.
 */
export class RelayedPath {
  readonly #front: Socket;
  readonly #back: Socket;
  #relayPort = 0;
  #pagePort = 0;

  private constructor(front: Socket, back: Socket) {
    this.#front = front;
    this.#back = back;
    front.on('message', (bytes, from) => {
      this.#pagePort = from.port;
      back.send(bytes, this.#relayPort, '127.0.0.1');
    });
    back.on('message', (bytes, from) => {
      if (from.port === this.#relayPort) front.send(bytes, this.#pagePort, '127.0.0.1');
    });
  }

  static async open(): Promise<RelayedPath> {
    const sockets = [createSocket('udp4'), createSocket('udp4')] as const;
    for (const socket of sockets) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    return new RelayedPath(...sockets);
  }

  /** Of the gateway's candidates the one at its relay, by this way; null for the others. */
  readonly reach = (candidate: string): string | null => {
    const port = /127\.0\.0\.1 (\d+) typ relay/.exec(candidate)?.[1];
    if (port === undefined) return null;
    this.#relayPort = Number(port);
    return candidate.replace(`127.0.0.1 ${port} typ`, `127.0.0.1 ${this.#front.address().port} typ`);
  };

  close(): void {
    this.#front.close();
    this.#back.close();
  }
}

/**
 * A candidate of a page on this machine whose port nobody has: it lets a relay take what comes from here, and leads
 * nowhere by itself.
 */
export const deadCandidate = 'candidate:1 1 UDP 2122317823 127.0.0.1 9 typ host';
