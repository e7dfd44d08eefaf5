import type net from 'node:net';
import type ssh2 from 'ssh2';
import { SessionFailure } from '../terminal/failure.ts';
import type { HostKey } from '../terminal/failure.ts';
import { measureRoundTrip } from './round-trip.ts';

/** Size and kind of a terminal, as RFC 4254 §6.2 has them. */
export interface Terminal {
  readonly term: string;
  readonly columns: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
  readonly modes: ssh2.TerminalModes;
}

const keepAliveMs = 5_000;
/** Silence after which the target is taken for dead: three answers missing. */
const silentMs = 3 * keepAliveMs;
/** ssh2 grants 2 MiB and keeps what exceeds the grant: a target that sends this much more ignores the grant. */
const maxUnread = 8 * 1024 * 1024;

/** A logged-in SSH connection to a target. */
export class TargetConnection {
  readonly hostKey: HostKey;
  /** True when no key was pinned and policy took this one: the user must be shown it. */
  readonly trustedOnFirstUse: boolean;
  /** Settles when the connection is over: `closed` when it was us, else `target-lost` or `target-protocol`. */
  readonly ended: Promise<SessionFailure>;
  readonly #client: ssh2.Client;
  readonly #socket: net.Socket;
  readonly #onRoundTrip = new Set<(milliseconds: number) => void>();
  readonly #timer: NodeJS.Timeout;
  #failure: SessionFailure | null = null;
  #roundTrip: number | null = null;
  #heard = performance.now();
  #waiting = false;
  #shell: ssh2.ClientChannel | null = null;

  constructor(client: ssh2.Client, socket: net.Socket, hostKey: HostKey, trustedOnFirstUse: boolean) {
    this.#client = client;
    this.#socket = socket;
    this.hostKey = hostKey;
    this.trustedOnFirstUse = trustedOnFirstUse;
    client.on('error', () => this.#fail(lost()));
    this.ended = new Promise((resolve) => {
      client.once('close', () => {
        clearInterval(this.#timer);
        resolve((this.#failure ??= lost()));
      });
    });
    socket.on('data', () => this.#guard());
    this.#timer = setInterval(() => this.#beat(), keepAliveMs);
    this.#beat();
  }

  /** Why it is over; null while it lives. */
  get failure(): SessionFailure | null {
    return this.#failure;
  }

  /** Milliseconds from gateway to target and back, as last measured; null before the first answer. */
  get roundTrip(): number | null {
    return this.#roundTrip;
  }

  /** Calls back with each new measurement; the result stops it. */
  watchRoundTrip(callback: (milliseconds: number) => void): () => void {
    this.#onRoundTrip.add(callback);
    return () => this.#onRoundTrip.delete(callback);
  }

  /** Opens a shell in a terminal. Throws `target-error` when the target grants none. */
  openShell(terminal: Terminal, environment: Readonly<Record<string, string>>): Promise<ssh2.ClientChannel> {
    const { columns: cols, ...rest } = terminal;
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new SessionFailure('target', 'target-error', 'the target opens no shell'));
      if (this.#failure) return reject(this.#failure);
      this.#client.shell({ cols, ...rest }, { env: { ...environment } }, (error, channel) => {
        if (error) return refuse();
        this.#shell = channel;
        resolve(channel);
      });
    });
  }

  /** Says goodbye and closes the socket. */
  close(): void {
    this.#failure ??= new SessionFailure('gateway', 'closed', 'the gateway ended the session');
    this.#client.end();
    this.#socket.destroySoon();
  }

  #beat(): void {
    if (performance.now() - this.#heard > silentMs) {
      this.#fail(new SessionFailure('target', 'target-lost', 'the target no longer answers'));
      return;
    }
    if (this.#waiting) return;
    this.#waiting = true;
    measureRoundTrip(this.#client).then(
      (milliseconds) => this.#measured(milliseconds),
      () => {}, // the connection is gone, which `close` tells
    );
  }

  #measured(milliseconds: number): void {
    this.#waiting = false;
    this.#roundTrip = milliseconds;
    for (const callback of this.#onRoundTrip) callback(milliseconds);
  }

  #guard(): void {
    this.#heard = performance.now();
    const unread = (this.#shell?.readableLength ?? 0) + (this.#shell?.stderr.readableLength ?? 0);
    if (unread > maxUnread) {
      this.#fail(
        new SessionFailure('target', 'target-protocol', 'the target sends more than it was granted'),
      );
    }
  }

  #fail(failure: SessionFailure): void {
    this.#failure ??= failure;
    this.#socket.destroy();
  }
}

function lost(): SessionFailure {
  return new SessionFailure('target', 'target-lost', 'the connection to the target broke');
}
