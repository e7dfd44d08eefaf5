import type { Socket } from 'node:net';
import type { RdpSecurity, RdpSettings } from '../../protocol/records/session-settings.ts';
import type { GuacdPolicy } from '../guacd/connection.ts';
import type { Display } from '../guacd/handshake.ts';
import type { GuacdPlace } from '../guacd/lease.ts';
import { openPicture } from '../guacd/picture.ts';
import { ViewedSession } from '../guacd/viewed-session.ts';
import type { Picture, PictureOptions } from '../guacd/picture.ts';
import type { PictureTap } from '../guacd/recorded-picture.ts';
import type { ShellTap } from '../ssh/join-shells.ts';
import { connectTcp } from '../ssh/tcp.ts';
import type { ReportProgress } from '../ssh/target.ts';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import type { TerminalSettings } from '../terminal/settings.ts';
import { guacdParameters, type GuacdCredential, type GuacdSettings } from './parameters.ts';
import { tryRdpDoor } from './rdp-door.ts';
import { Relay } from './relay.ts';
import { RfbLogin } from './rfb-login.ts';
import { TelnetGuard } from './telnet-guard.ts';
import { TelnetTap } from './telnet-tap.ts';

/** Until the target answers, and answers RDP. */
const defaultConnectMs = 10_000;
const farewellMs = 3_000;

export interface GuacdSessionOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly settings: GuacdSettings;
  readonly credential: GuacdCredential;
  readonly terminal: TerminalSettings;
  readonly display: Display;
  readonly timezone?: string;
  readonly guacd: GuacdPlace;
  readonly policy: GuacdPolicy;
  readonly signal: AbortSignal;
  readonly onProgress?: ReportProgress;
  readonly onStalled?: () => void;
  readonly onInput?: () => void;
  readonly recorder?: PictureTap;
  /** Sees the terminal of a telnet session. */
  readonly tap?: ShellTap;
  readonly onRefused?: (from: 'browser' | 'guacd', opcode: string) => void;
  /** How long a viewer may take nothing; guacd ends the session at 15 s. */
  readonly stallMs?: number;
  readonly connectMs?: number;
}

/** Opens a session that guacd itself leads with the target. Throws a {@link SessionFailure}; nothing is left open then. */
export async function openGuacdSession(options: GuacdSessionOptions): Promise<GuacdSession> {
  const { signal, onProgress: report = () => {} } = options;
  report('target', 'started');
  const way = await openWay(options);
  report('target', 'done');
  try {
    report('guacd', 'started');
    const picture = await openPicture(pictureOptions(options, way));
    report('guacd', 'done');
    return new GuacdSession(signal, { ...way, picture });
  } catch (error) {
    way.relay?.close();
    throw signal.aborted ? new SessionFailure('gateway', 'cancelled') : error;
  }
}

/** How guacd comes to the target, as far as the gateway has tried it. */
interface Way {
  readonly host: string;
  readonly port: number;
  readonly settings: GuacdSettings;
  readonly relay: Relay | null;
  readonly login: RfbLogin;
  readonly telnet: TelnetTap | null;
  /** Of connecting. */
  readonly roundTripMs: number;
}

/** RDP has no relay: guacd compares the certificate with the name that it calls. */
async function openWay(options: GuacdSessionOptions): Promise<Way> {
  const { settings, target, signal } = options;
  const before = performance.now();
  const socket = await reach(options);
  const roundTripMs = performance.now() - before;
  const login = new RfbLogin();
  if (settings.protocol === 'rdp') {
    const security = await knockOnRdp(options, socket, settings);
    return { ...target, settings: { ...settings, security }, relay: null, login, telnet: null, roundTripMs };
  }
  const telnet = telnetTap(options);
  const tap = settings.protocol === 'vnc' ? login : telnet;
  const guard = settings.protocol === 'telnet' ? new TelnetGuard() : null;
  const relay = await Relay.open({ target: socket, signal, ...(tap && { tap }), ...(guard && { guard }) });
  return { host: '127.0.0.1', port: relay.port, settings, relay, login, telnet, roundTripMs };
}

function telnetTap({ settings, tap, credential }: GuacdSessionOptions): TelnetTap | null {
  if (settings.protocol !== 'telnet' || !tap) return null;
  return new TelnetTap(tap, Boolean(credential.username) || Boolean(credential.password));
}

function knockOnRdp(
  { target: { host }, signal, connectMs = defaultConnectMs }: GuacdSessionOptions,
  socket: Socket,
  settings: RdpSettings,
): Promise<RdpSecurity> {
  const late = () => new SessionFailure('target', 'target-timed-out', 'the target does not answer RDP');
  return withDeadline(connectMs, signal, late, (deadline) =>
    tryRdpDoor({ socket, host, settings, signal: deadline }),
  );
}

function reach({ target, signal, connectMs = defaultConnectMs }: GuacdSessionOptions): Promise<Socket> {
  const late = () => new SessionFailure('target', 'target-timed-out', 'the target does not answer');
  return withDeadline(connectMs, signal, late, (deadline) => connectTcp(target.host, target.port, deadline));
}

function pictureOptions(options: GuacdSessionOptions, way: Way): PictureOptions {
  const { guacd, credential, display, timezone, policy, signal } = options;
  const { username, password } = credential;
  const { onRefused, onStalled, onInput, stallMs, recorder } = options;
  return {
    ...{
      guacd,
      display,
      policy,
      signal,
      select: { protocol: way.settings.protocol },
      audio: [],
      video: [],
    },
    ...(timezone !== undefined && { timezone }),
    ...(stallMs !== undefined && { timing: { stallMs } }),
    ...(onRefused && { onRefused }),
    ...(onStalled && { onStalled }),
    ...(onInput && { onInput }),
    ...(recorder && { recorder }),
    answers: { ...(username !== undefined && { username }), ...(password !== undefined && { password }) },
    parameters: guacdParameters({ ...options, ...way }),
  };
}

interface Parts extends Way {
  readonly picture: Picture;
}

/** A running session. Browsers come and go; it lives until either end is over or `close`. */
export class GuacdSession extends ViewedSession {
  /** Settles when the session is over: `closed` for a wish to end, else what went wrong. */
  readonly ended: Promise<SessionFailure>;
  readonly hostKey = null;
  readonly trustedOnFirstUse = false;
  readonly #signal: AbortSignal;
  readonly #parts: Parts;
  #finish: (failure: SessionFailure) => void = () => {};
  #over = false;

  constructor(signal: AbortSignal, parts: Parts) {
    super(parts.picture);
    this.#signal = signal;
    this.#parts = parts;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    void parts.picture.ended.then((failure) => this.#guacdEnded(failure));
    void parts.relay?.ended.then((by) => this.#relayEnded(by));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Calls back with what connecting to the target took: one round trip. The result stops it. */
  watchLatency(callback: (milliseconds: number) => void): () => void {
    callback(this.#parts.roundTripMs);
    return () => {};
  }

  override write(fromBrowser: Uint8Array): boolean {
    this.#parts.telnet?.fromBrowser(fromBrowser);
    return super.write(fromBrowser);
  }

  /** Ends guacd's part and lets go of the target. */
  async close(): Promise<void> {
    this.#end(new SessionFailure('gateway', 'closed', 'the gateway ended the session'));
    await this.ended;
  }

  readonly #onAbort = () => this.#end(new SessionFailure('gateway', 'cancelled'));

  #guacdEnded(failure: SessionFailure): void {
    const closed = failure.leg === 'target' && this.#parts.relay?.endedBy === 'target';
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
    this.#parts.relay?.close();
    this.#finish(failure);
  }
}

function targetClosed(): SessionFailure {
  return new SessionFailure('target', 'target-closed', 'the target closed the connection');
}
