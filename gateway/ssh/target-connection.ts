import type { Duplex } from 'node:stream';
import type ssh2 from 'ssh2';
import { FileFailure } from '../files/file-failure.ts';
import { SessionFailure } from '../terminal/failure.ts';
import type { HostKey } from '../terminal/failure.ts';
import { ForwardedSocket } from './forwarded-socket.ts';
import { firstWindow, ReceiveWindow } from './receive-window.ts';
import { measureRoundTrip, takeOverWindow, withFirstWindow } from './ssh2-internals.ts';

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
/** A target that does not read has this long to take the goodbye in. */
const farewellMs = 2_000;

/** How the target's shell ended. Both null: it was cut off without a word. */
export interface ShellExit {
  readonly status: number | null;
  readonly signal: string | null;
}

/** A shell on the target, whose window is ours to widen. */
export interface TargetShell {
  readonly channel: ssh2.ClientChannel;
  /** Settles when the shell is gone and its output was read, or when the target broke the rules. */
  readonly ended: Promise<ShellExit>;
  /** Output that has been dealt with: the target may send as much again, or more. */
  consume(bytes: number): void;
  /** The target sends more than it was granted: the connection ends. */
  overrun(): void;
}

/** A logged-in SSH connection to a target. */
export class TargetConnection {
  readonly hostKey: HostKey;
  /** True when no key was pinned and policy took this one: the user must be shown it. */
  readonly trustedOnFirstUse: boolean;
  /** Settles when the connection is over: `closed` when it was us, else `target-lost` or `target-protocol`. */
  readonly ended: Promise<SessionFailure>;
  readonly #client: ssh2.Client;
  readonly #socket: Duplex;
  readonly #onRoundTrip = new Set<(milliseconds: number) => void>();
  readonly #timer: NodeJS.Timeout;
  #failure: SessionFailure | null = null;
  #roundTrip: number | null = null;
  #leastRoundTrip = Infinity;
  #heard = performance.now();
  #waiting = false;

  constructor(client: ssh2.Client, socket: Duplex, hostKey: HostKey, trustedOnFirstUse: boolean) {
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
    socket.on('data', () => (this.#heard = performance.now()));
    this.#timer = setInterval(() => this.#beat(), keepAliveMs);
    this.#beat();
  }

  /** Why it is over; null while it lives. */
  get failure(): SessionFailure | null {
    return this.#failure;
  }

  /** Whether the other end can still be there. */
  get alive(): boolean {
    return this.#failure === null && !this.#socket.destroyed;
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

  /** Opens a shell, or runs a command, in a terminal. Throws `target-error` when the target grants none. */
  openShell(
    terminal: Terminal,
    environment: Readonly<Record<string, string>>,
    command?: string,
  ): Promise<TargetShell> {
    const { columns: cols, ...rest } = terminal;
    const [pty, env] = [{ cols, ...rest }, { ...environment }];
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const opened = (error: Error | undefined, channel: ssh2.ClientChannel) => {
        if (error) reject(new SessionFailure('target', 'target-error', 'the target opens no shell'));
        else resolve(this.#control(channel));
      };
      withFirstWindow(this.#client, firstWindow, () => {
        if (command === undefined) this.#client.shell(pty, { env }, opened);
        else this.#client.exec(command, { pty, env }, opened);
      });
    });
  }

  /** A channel of the target's SFTP on this login. Throws `sftp-missing` when the target grants none. */
  openSftp(): Promise<ssh2.ClientChannel> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(new FileFailure('unavailable'));
      this.#client.subsys('sftp', (error, channel) => {
        if (error) return reject(new FileFailure(this.#failure ? 'unavailable' : 'sftp-missing'));
        channel.stderr.resume(); // it shares the channel's window
        channel.stderr.on('error', () => channel.destroy());
        resolve(channel);
      });
    });
  }

  /**
   * A connection that the target makes to another host. Throws its connection's failure, or an Error with the `reason` of
   * RFC 4254 §5.1.
   */
  openForward(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error) reject(error);
        else resolve(new ForwardedSocket(channel, takeOverWindow(this.#client, channel)));
      });
    });
  }

  /** Says goodbye and closes the socket, whatever the target does. */
  close(): void {
    this.#failure ??= new SessionFailure('gateway', 'closed', 'the gateway ended the session');
    if (this.#socket.destroyed) return;
    this.#client.end();
    this.#socket.end(() => this.#socket.destroy());
    const deadline = setTimeout(() => this.#socket.destroy(), farewellMs);
    this.#socket.once('close', () => clearTimeout(deadline));
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
    this.#leastRoundTrip = Math.min(this.#leastRoundTrip, milliseconds);
    for (const callback of this.#onRoundTrip) callback(milliseconds);
  }

  #control(channel: ssh2.ClientChannel): TargetShell {
    const grant = takeOverWindow(this.#client, channel);
    // The least round trip is the path's; later ones include the output that is queued on it.
    const window = new ReceiveWindow(grant, () =>
      Number.isFinite(this.#leastRoundTrip) ? this.#leastRoundTrip : 0,
    );
    const tooMuch = new SessionFailure(
      'target',
      'target-protocol',
      'the target sends more than it was granted',
    );
    const ended = this.#awaitEnd(channel);
    return { channel, ended, consume: (bytes) => window.consume(bytes), overrun: () => this.#fail(tooMuch) };
  }

  /** Listens from the channel's first turn: a shell may be over in the very bytes that open it. */
  #awaitEnd(channel: ssh2.ClientChannel): Promise<ShellExit> {
    let exit: ShellExit = { status: null, signal: null };
    channel.once('exit', (status: number | null, signal?: string) => {
      exit = { status, signal: signal ?? null };
    });
    const afterEnd = new SessionFailure('target', 'target-protocol', 'the target goes on after its own end');
    return new Promise((resolve) => {
      channel.once('close', () => resolve(exit));
      const broken = () => {
        this.#fail(afterEnd);
        resolve(exit);
      };
      channel.on('error', broken);
      channel.stderr.on('error', broken);
    });
  }

  #fail(failure: SessionFailure): void {
    this.#failure ??= failure;
    this.#socket.destroy();
  }
}

function lost(): SessionFailure {
  return new SessionFailure('target', 'target-lost', 'the connection to the target broke');
}
