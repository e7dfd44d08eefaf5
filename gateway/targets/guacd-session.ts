import type { Socket } from 'node:net';
import type { GuacdPolicy, Viewer } from '../guacd/connection.ts';
import type { Display } from '../guacd/handshake.ts';
import { openPicture } from '../guacd/picture.ts';
import type { Picture, PictureOptions } from '../guacd/picture.ts';
import { connectTcp } from '../ssh/tcp.ts';
import type { ReportProgress } from '../ssh/target.ts';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import type { TerminalSettings } from '../terminal/settings.ts';
import { guacdParameters, type GuacdCredential, type GuacdSettings } from './parameters.ts';
import { Relay } from './relay.ts';
import { RfbLogin } from './rfb-login.ts';

export interface GuacdSessionOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly settings: GuacdSettings;
  readonly credential: GuacdCredential;
  readonly terminal: TerminalSettings;
  readonly display: Display;
  readonly timezone?: string;
  readonly guacd: { readonly host: string; readonly port: number };
  readonly policy: GuacdPolicy;
  readonly signal: AbortSignal;
  readonly onProgress?: ReportProgress;
  readonly onStalled?: () => void;
  readonly onRefused?: (from: 'browser' | 'guacd', opcode: string) => void;
  /** How long a viewer may take nothing; guacd ends the session at 15 s. */
  readonly stallMs?: number;
  readonly connectMs?: number;
}

/** Opens a session that guacd itself leads with the target. Throws a {@link SessionFailure}; nothing is left open then. */
export async function openGuacdSession(options: GuacdSessionOptions): Promise<GuacdSession> {
  const report = options.onProgress ?? (() => {});
  report('target', 'started');
  const before = performance.now();
  const target = await reach(options);
  const roundTripMs = performance.now() - before;
  report('target', 'done');
  const login = new RfbLogin();
  const { signal } = options;
  const relay = await Relay.open({
    target,
    signal,
    ...(options.settings.protocol === 'vnc' && { tap: login }),
  });
  try {
    report('guacd', 'started');
    const picture = await openPicture(pictureOptions(options, relay));
    report('guacd', 'done');
    return new GuacdSession(signal, { picture, relay, login, roundTripMs });
  } catch (error) {
    relay.close();
    throw signal.aborted ? new SessionFailure('gateway', 'cancelled') : error;
  }
}

function reach({ target, signal, connectMs = 10_000 }: GuacdSessionOptions): Promise<Socket> {
  const late = () => new SessionFailure('target', 'target-timed-out', 'the target does not answer');
  return withDeadline(connectMs, signal, late, (deadline) => connectTcp(target.host, target.port, deadline));
}

function pictureOptions(options: GuacdSessionOptions, relay: Relay): PictureOptions {
  const { guacd, settings, credential, display, timezone, policy, signal } = options;
  const { onRefused, onStalled, stallMs } = options;
  return {
    ...{ ...guacd, display, policy, signal, select: { protocol: settings.protocol }, audio: [], video: [] },
    ...(timezone !== undefined && { timezone }),
    ...(stallMs !== undefined && { timing: { stallMs } }),
    ...(onRefused && { onRefused }),
    ...(onStalled && { onStalled }),
    answers: { ...credential },
    parameters: guacdParameters({ ...options, host: '127.0.0.1', port: relay.port }),
  };
}

interface Parts {
  readonly picture: Picture;
  readonly relay: Relay;
  readonly login: RfbLogin;
  readonly roundTripMs: number;
}

/** A running session. Browsers come and go; it lives until either end is over or `close`. */
export class GuacdSession {
  /** Settles when the session is over: `closed` for a wish to end, else what went wrong. */
  readonly ended: Promise<SessionFailure>;
  readonly hostKey = null;
  readonly trustedOnFirstUse = false;
  readonly #signal: AbortSignal;
  readonly #parts: Parts;
  #finish: (failure: SessionFailure) => void = () => {};
  #over = false;

  constructor(signal: AbortSignal, parts: Parts) {
    this.#signal = signal;
    this.#parts = parts;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    void parts.picture.ended.then((failure) => this.#guacdEnded(failure));
    void parts.relay.ended.then((by) => this.#relayEnded(by));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Calls back with what connecting to the target took: one round trip. The result stops it. */
  watchLatency(callback: (milliseconds: number) => void): () => void {
    callback(this.#parts.roundTripMs);
    return () => {};
  }

  /** The whole picture for this viewer, in place of the one before. Throws when guacd cannot be joined. */
  attach(viewer: Viewer): Promise<void> {
    return this.#parts.picture.attach(viewer);
  }

  /** Goes on without a browser. */
  detach(): void {
    this.#parts.picture.detach();
  }

  /** The viewer has room again. */
  resume(): void {
    this.#parts.picture.resume();
  }

  /** What the browser says, checked. False: wait for `drained`. */
  write(fromBrowser: Uint8Array): boolean {
    return this.#parts.picture.write(fromBrowser);
  }

  drained(): Promise<void> {
    return this.#parts.picture.drained();
  }

  /** Ends guacd's part and lets go of the target. */
  async close(): Promise<void> {
    this.#end(new SessionFailure('gateway', 'closed', 'the gateway ended the session'));
    await this.ended;
  }

  readonly #onAbort = () => this.#end(new SessionFailure('gateway', 'cancelled'));

  #guacdEnded(failure: SessionFailure): void {
    const closed = failure.leg === 'target' && this.#parts.relay.endedBy === 'target';
    this.#end(this.#loginFailure() ?? (closed && failure.code !== 'closed' ? targetClosed() : failure));
  }

  /** guacd's own reason, or its last lines, come a moment after the target's end. */
  #relayEnded(by: 'target' | 'guacd'): void {
    if (this.#over) return;
    const failure =
      by === 'target' ? targetClosed() : new SessionFailure('guacd', 'guacd-lost', 'guacd left the target');
    const farewell = setTimeout(() => this.#end(this.#loginFailure() ?? failure), farewellMs);
    void this.ended.then(() => clearTimeout(farewell));
  }

  #loginFailure(): SessionFailure | null {
    const { outcome } = this.#parts.login;
    if (outcome === 'refused')
      return new SessionFailure('login', 'login-refused', 'the target refused the password');
    if (outcome === 'turned-away')
      return new SessionFailure('login', 'login-blocked', 'the target turns logins away');
    return null;
  }

  #end(failure: SessionFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    void this.#parts.picture.close();
    this.#parts.relay.close();
    this.#finish(failure);
  }
}

const farewellMs = 3_000;

function targetClosed(): SessionFailure {
  return new SessionFailure('target', 'target-closed', 'the target closed the connection');
}
