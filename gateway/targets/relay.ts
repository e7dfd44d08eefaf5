import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';

/** What passes between guacd and the target, for who has to understand some of it. */
export interface RelayTap {
  fromTarget(bytes: Uint8Array): void;
  fromGuacd(bytes: Uint8Array): void;
}

/** What guacd gets of what the target sends. */
export interface RelayGuard {
  rewrite(bytes: Uint8Array): Uint8Array;
  fromGuacd(bytes: Uint8Array): void;
}

export interface RelayOptions {
  /** Connected to the target; the relay's from now on. */
  readonly target: Duplex;
  readonly tap?: RelayTap;
  readonly guard?: RelayGuard;
  readonly signal: AbortSignal;
  readonly comeMs?: number;
}

/** guacd comes at once; a slow machine gets more. */
const defaultComeMs = 15_000;

/**
 * One connection of guacd's to a target, by way of the gateway, which alone has the way there: it names what is wrong
 * with it, and lets go of the target the moment a session ends, whatever guacd does. Only the first caller is let in, on
 * loopback; the way holds no credential. Each side is read as fast as the other takes it.
 */
export class Relay {
  readonly port: number;
  /** Settles when the target or guacd has closed, and guacd may know of it. */
  readonly ended: Promise<'target' | 'guacd'>;
  readonly #listener: net.Server;
  readonly #target: Duplex;
  readonly #guard: RelayGuard | null;
  #guacd: net.Socket | null = null;
  #holds = 0;
  #finish: (by: 'target' | 'guacd') => void = () => {};
  #endedBy: 'target' | 'guacd' | null = null;
  #drawn: () => Promise<void> = () => Promise.resolve();

  private constructor(
    listener: net.Server,
    { target, tap, guard, signal, comeMs = defaultComeMs }: RelayOptions,
  ) {
    this.port = (listener.address() as net.AddressInfo).port;
    this.#listener = listener;
    this.#target = target;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    target.once('close', () => void this.#over('target'));
    if (target.closed) void this.#over('target');
    signal.addEventListener('abort', () => this.close(), { once: true });
    this.#guard = guard ?? null;
    this.#awaitGuacd(tap, signal, comeMs);
  }

  /** Listens on a free port of loopback. Lets go of the target when it cannot. */
  static async open(options: RelayOptions): Promise<Relay> {
    const { target } = options;
    target.on('error', () => {}); // `close` follows
    try {
      const listener = net.createServer({ pauseOnConnect: true });
      listener.listen(0, '127.0.0.1', 1);
      await once(listener, 'listening');
      return new Relay(listener, options);
    } catch (error) {
      target.destroy();
      throw error;
    }
  }

  /** Who closed first; null: nobody yet. */
  get endedBy(): 'target' | 'guacd' | null {
    return this.#endedBy;
  }

  /** Of a guarded target: what it says waits until the result is called, also where guacd has not come yet. */
  hold(): () => void {
    this.#holds++;
    this.#target.pause();
    let held = true;
    return () => {
      if (held) this.#holds--;
      held = false;
      this.#goOn();
    };
  }

  /** guacd hears of the target's end when that has settled: it forgets what it has not drawn by then. */
  endAfter(drawn: () => Promise<void>): void {
    this.#drawn = drawn;
  }

  /** Lets go of both. */
  close(): void {
    this.#listener.close();
    this.#target.destroy();
    this.#guacd?.destroy();
  }

  #awaitGuacd(tap: RelayTap | undefined, signal: AbortSignal, comeMs: number): void {
    const late = () => new SessionFailure('guacd', 'guacd-timed-out', 'guacd did not come for its target');
    const comes = async (deadline: AbortSignal): Promise<void> => {
      const [guacd]: net.Socket[] = await once(this.#listener, 'connection', { signal: deadline });
      if (guacd !== undefined) this.#join(guacd, tap);
    };
    withDeadline(comeMs, signal, late, comes).catch(() => this.close());
  }

  #join(guacd: net.Socket, tap: RelayTap | undefined): void {
    this.#listener.close();
    this.#guacd = guacd;
    guacd.setNoDelay(true);
    guacd.on('error', () => {});
    guacd.once('close', () => void this.#over('guacd'));
    if (this.#target.destroyed) return void guacd.destroy();
    if (tap) {
      this.#target.on('data', (bytes: Buffer) => tap.fromTarget(bytes));
      guacd.on('data', (bytes: Buffer) => tap.fromGuacd(bytes));
    }
    this.#passOn(guacd);
    guacd.pipe(this.#target);
  }

  #passOn(guacd: net.Socket): void {
    const guard = this.#guard;
    if (!guard) return void this.#target.pipe(guacd);
    guacd.on('data', (bytes: Buffer) => guard.fromGuacd(bytes));
    // By hand, because a stream in between would hold the last words back from `destroySoon`.
    this.#target.on(
      'data',
      (bytes: Buffer) => void (guacd.write(guard.rewrite(bytes)) || this.#target.pause()),
    );
    guacd.on('drain', () => this.#goOn());
    this.#target.on('end', () => void this.#drawn().then(() => guacd.end()));
    this.#goOn(); // a target that was held stays paused when somebody listens
  }

  #goOn(): void {
    if (this.#holds === 0 && this.#guacd?.writableNeedDrain === false) this.#target.resume();
  }

  /** What the one side has sent last still reaches the other. */
  async #over(by: 'target' | 'guacd'): Promise<void> {
    this.#endedBy ??= by;
    this.#listener.close();
    if (by === 'guacd') this.#target.destroy();
    else await this.#drawn();
    this.#guacd?.destroySoon();
    this.#finish(this.#endedBy);
  }
}
