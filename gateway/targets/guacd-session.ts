import type { Duplex } from 'node:stream';
import { soundKinds } from '../../protocol/guacamole/sound-format.ts';
import type { RdpSettings } from '../../protocol/records/session-settings.ts';
import type { Drive } from '../drive/drives.ts';
import type { OnInput } from '../guacd/browser-filter.ts';
import type { GuacdPolicy } from '../guacd/connection.ts';
import type { Display } from '../guacd/handshake.ts';
import type { GuacdPlace } from '../guacd/lease.ts';
import { openPicture } from '../guacd/picture.ts';
import type { GuestPicture, GuestPictureOptions } from '../guacd/guest-picture.ts';
import { ViewedSession } from '../guacd/viewed-session.ts';
import type { Picture, PictureOptions } from '../guacd/picture.ts';
import type { PictureTap } from '../guacd/recorded-picture.ts';
import type { ShellTap } from '../ssh/join-shells.ts';
import type { ReportProgress } from '../ssh/target.ts';
import { directWay, type TargetWay } from '../ssh/target-way.ts';
import { SessionFailure, withDeadline, type HostKey } from '../terminal/failure.ts';
import type { TerminalSettings } from '../terminal/settings.ts';
import { guacdParameters, type GuacdCredential, type GuacdSettings } from './parameters.ts';
import { CertificateGuard } from './certificate-guard.ts';
import { tellFreerdp } from './freerdp-trust.ts';
import type { CertificateTrust, TrustedCertificate } from './rdp-certificate.ts';
import { tryRdpDoor, type RdpDoor } from './rdp-door.ts';
import { Relay } from './relay.ts';
import { RfbLogin } from './rfb-login.ts';
import { TelnetGuard } from './telnet-guard.ts';
import { TelnetTap } from './telnet-tap.ts';

/** Until the target answers, and answers RDP. */
const defaultConnectMs = 10_000;
const farewellMs = 3_000;
const noTrust: CertificateTrust = { pinned: [], trustOnFirstUse: false };

export interface GuacdSessionOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** The session's own from now on; the gateway's network when it is not said. */
  readonly way?: TargetWay;
  readonly settings: GuacdSettings;
  /** Of RDP targets whose certificate no authority vouches for; none is trusted when it is not said. */
  readonly trust?: CertificateTrust;
  readonly credential: GuacdCredential;
  readonly terminal: TerminalSettings;
  readonly display: Display;
  readonly timezone?: string;
  readonly guacd: GuacdPlace;
  readonly policy: GuacdPolicy;
  /** What an RDP target sees as a drive; the session's own from now on. */
  readonly drive?: Drive | null;
  readonly signal: AbortSignal;
  readonly onProgress?: ReportProgress;
  readonly onStalled?: () => void;
  readonly onInput?: OnInput;
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
  const { signal, onProgress: report = () => {}, way: network = directWay(options.connectMs) } = options;
  if (!network.jumps) report('target', 'started');
  let relay: Relay | null = null;
  try {
    const way = await openWay(options, network);
    relay = way.relay;
    report('target', 'done');
    report('guacd', 'started');
    const picture = await openPicture(pictureOptions(options, way));
    report('guacd', 'done');
    return new GuacdSession(signal, { ...way, picture, drive: options.drive ?? null });
  } catch (error) {
    relay?.close();
    network.close();
    await options.drive?.remove();
    throw signal.aborted ? new SessionFailure('gateway', 'cancelled') : error;
  }
}

/** How guacd comes to the target, as far as the gateway has tried it. */
interface Way {
  readonly host: string;
  readonly port: number;
  readonly settings: GuacdSettings;
  readonly network: TargetWay;
  readonly relay: Relay | null;
  readonly login: RfbLogin;
  readonly telnet: TelnetTap | null;
  readonly certificate: TrustedCertificate | null;
  /** Why the gateway broke it off. */
  readonly refused: () => SessionFailure | null;
  /** Of connecting. */
  readonly roundTripMs: number;
}

async function openWay(options: GuacdSessionOptions, network: TargetWay): Promise<Way> {
  const { settings, target, signal, onProgress: report = () => {} } = options;
  const before = performance.now();
  const socket = await network.open(target, signal);
  if (network.jumps) report('target', 'started');
  const roundTripMs = performance.now() - before;
  const login = new RfbLogin();
  const usual = { network, login, telnet: null, certificate: null, refused: () => null, roundTripMs };
  if (settings.protocol === 'rdp')
    return { ...usual, ...(await openRdpWay(options, network, socket, settings)) };
  const telnet = telnetTap(options);
  const tap = settings.protocol === 'vnc' ? login : telnet;
  const guard = settings.protocol === 'telnet' ? new TelnetGuard() : null;
  const relay = await Relay.open({ target: socket, signal, ...(tap && { tap }), ...(guard && { guard }) });
  return {
    ...usual,
    host: '127.0.0.1',
    port: relay.port,
    settings: reached(settings, network),
    relay,
    telnet,
  };
}

/** guacd goes to a sound server by itself, which would be another one of that name behind a jump machine. */
function reached(settings: GuacdSettings, { jumps }: TargetWay): GuacdSettings {
  return settings.protocol === 'vnc' && jumps ? { ...settings, audioServer: null } : settings;
}

/**
 * What an authority vouches for guacd judges by itself, by the name that it calls; so there is no relay. Of any other
 * certificate, and of a target behind a jump machine, guacd knows nothing: the gateway sees to it that guacd meets the one
 * that it judged itself.
 */
async function openRdpWay(
  options: GuacdSessionOptions,
  network: TargetWay,
  socket: Duplex,
  given: RdpSettings,
): Promise<Pick<Way, 'host' | 'port' | 'settings' | 'relay' | 'certificate' | 'refused'>> {
  const { target, signal } = options;
  const { security, certificate } = await knockOnRdp(options, network, socket, given);
  const settings = { ...given, security };
  if (certificate === null && !network.jumps)
    return { ...target, settings, relay: null, certificate, refused: () => null };
  if (certificate === null && !given.ignoreCert) throw unchecked();
  let refusal: SessionFailure | null = null;
  const guard =
    certificate &&
    new CertificateGuard(certificate.hostKey.key, (failure) => {
      refusal = failure;
      relay.close();
    });
  const onward = await network.open(target, signal);
  const relay = await Relay.open({ target: onward, signal, ...(guard && { guard }) });
  const way = { host: '127.0.0.1', port: relay.port };
  const judged = certificate !== null && (await tellFreerdp(options.guacd, way, certificate, relay));
  return {
    ...way,
    settings: { ...settings, ignoreCert: !judged },
    relay,
    certificate,
    refused: () => refusal,
  };
}

/** It begins with what the gateway does not speak, so nobody would have seen who answers. */
function unchecked(): SessionFailure {
  const message = 'the certificate of this target cannot be seen through a jump machine';
  return new SessionFailure('target', 'certificate-unchecked', message);
}

function telnetTap({ settings, tap, credential }: GuacdSessionOptions): TelnetTap | null {
  if (settings.protocol !== 'telnet' || !tap) return null;
  return new TelnetTap(tap, Boolean(credential.username) || Boolean(credential.password));
}

function knockOnRdp(
  { target: { host }, signal, connectMs = defaultConnectMs, trust = noTrust }: GuacdSessionOptions,
  { jumps: relayed }: TargetWay,
  socket: Duplex,
  settings: RdpSettings,
): Promise<RdpDoor> {
  const late = () => new SessionFailure('target', 'target-timed-out', 'the target does not answer RDP');
  return withDeadline(connectMs, signal, late, (deadline) =>
    tryRdpDoor({ socket, host, settings, trust, relayed, signal: deadline }),
  );
}

function pictureOptions(options: GuacdSessionOptions, way: Way): PictureOptions {
  const { guacd, credential, display, timezone, policy, signal } = options;
  const { username, password } = credential;
  const { onRefused, onStalled, onInput, stallMs, recorder, drive } = options;
  return {
    ...{
      guacd,
      display,
      policy,
      signal,
      select: { protocol: way.settings.protocol },
      audio: hasSound(way.settings) ? soundKinds : [],
      video: [],
    },
    ...(timezone !== undefined && { timezone }),
    ...(stallMs !== undefined && { timing: { stallMs } }),
    ...(onRefused && { onRefused }),
    ...(onStalled && { onStalled }),
    ...(onInput && { onInput }),
    ...(recorder && { recorder }),
    ...(way.settings.protocol === 'telnet' && way.relay && { holdOutput: holdOf(way.relay) }),
    answers: { ...(username !== undefined && { username }), ...(password !== undefined && { password }) },
    parameters: guacdParameters({
      ...options,
      ...way,
      machine: options.target.host,
      ...(drive && { drivePath: drive.path }),
    }),
  };
}

const holdOf = (relay: Relay) => () => Promise.resolve(relay.hold());

function hasSound(settings: GuacdSettings): boolean {
  if (settings.protocol === 'rdp') return !settings.disableAudio;
  return settings.protocol === 'vnc' && settings.audioServer !== null;
}

interface Parts extends Way {
  readonly picture: Picture;
  readonly drive: Drive | null;
}

/** A running session. Browsers come and go; it lives until either end is over or `close`. */
export class GuacdSession extends ViewedSession {
  /** Settles when the session is over: `closed` for a wish to end, else what went wrong. */
  readonly ended: Promise<SessionFailure>;
  readonly hostKey: HostKey | null;
  readonly trustedOnFirstUse: boolean;
  readonly #signal: AbortSignal;
  readonly #parts: Parts;
  #finish: (failure: SessionFailure) => void = () => {};
  #over = false;

  constructor(signal: AbortSignal, parts: Parts) {
    super(parts.picture);
    this.#signal = signal;
    this.#parts = parts;
    this.hostKey = parts.certificate?.hostKey ?? null;
    this.trustedOnFirstUse = parts.certificate?.trustedOnFirstUse ?? false;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    void parts.picture.ended.then((failure) => this.#guacdEnded(failure));
    void parts.drive?.over.then(() => this.#end(driveFull()));
    if (parts.settings.protocol === 'telnet') parts.relay?.endAfter(() => parts.picture.lastWordsDrawn());
    void parts.relay?.ended.then((by) => this.#relayEnded(by));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Whose files the session's person has. */
  get drive(): Drive | null {
    return this.#parts.drive;
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

  override welcome(options: GuestPictureOptions): GuestPicture {
    return super.welcome({ ...options, onTyped: (bytes) => this.#parts.telnet?.fromBrowser(bytes) });
  }

  /** Ends guacd's part and lets go of the target. */
  async close(): Promise<void> {
    this.#end(new SessionFailure('gateway', 'closed', 'the gateway ended the session'));
    await this.ended;
  }

  readonly #onAbort = () => this.#end(new SessionFailure('gateway', 'cancelled'));

  #guacdEnded(failure: SessionFailure): void {
    const closed = failure.leg === 'target' && this.#parts.relay?.endedBy === 'target';
    this.#end(this.#ownFailure() ?? (closed && failure.code !== 'closed' ? targetClosed() : failure));
  }

  /** guacd's own reason, or its last lines, come a moment after the target's end. */
  #relayEnded(by: 'target' | 'guacd'): void {
    if (this.#over) return;
    const failure =
      by === 'target' ? targetClosed() : new SessionFailure('guacd', 'guacd-lost', 'guacd left the target');
    const farewell = setTimeout(() => this.#end(this.#ownFailure() ?? failure), farewellMs);
    void this.ended.then(() => clearTimeout(farewell));
  }

  /** What the gateway knows better than guacd. */
  #ownFailure(): SessionFailure | null {
    return this.#parts.refused() ?? this.#loginFailure();
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
    const why = this.#parts.network.explain(failure);
    void this.#parts.picture.close().finally(() => this.#parts.drive?.remove());
    this.#parts.relay?.close();
    this.#parts.network.close();
    this.#finish(why);
  }
}

function driveFull(): SessionFailure {
  return new SessionFailure('target', 'drive-full', 'the target wrote more to the drive than it may hold');
}

function targetClosed(): SessionFailure {
  return new SessionFailure('target', 'target-closed', 'the target closed the connection');
}
