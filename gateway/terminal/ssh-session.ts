import type { Duplex } from 'node:stream';
import type { OnInput } from '../guacd/browser-filter.ts';
import type { GuacdPolicy } from '../guacd/connection.ts';
import type { Display } from '../guacd/handshake.ts';
import type { GuacdPlace } from '../guacd/lease.ts';
import { openPicture } from '../guacd/picture.ts';
import { ViewedSession } from '../guacd/viewed-session.ts';
import type { PictureTap } from '../guacd/recorded-picture.ts';
import type { Picture, PictureOptions } from '../guacd/picture.ts';
import { Bridge } from '../ssh/bridge.ts';
import type { BridgeShell } from '../ssh/bridge-shell.ts';
import type { SshCredential } from '../ssh/credential.ts';
import { joinShells } from '../ssh/join-shells.ts';
import type { ShellEnd, ShellTap } from '../ssh/join-shells.ts';
import { ShellOutput } from '../ssh/output-flow.ts';
import { connectTarget } from '../ssh/target.ts';
import { directWay, type TargetWay } from '../ssh/target-way.ts';
import type { ReportProgress } from '../ssh/target.ts';
import type { ShellExit, TargetConnection, TargetShell, Terminal } from '../ssh/target-connection.ts';
import { SessionFailure } from './failure.ts';
import type { HostKey } from './failure.ts';
import { terminalParameters } from './settings.ts';
import type { TerminalSettings } from './settings.ts';

export interface SshSessionOptions {
  readonly target: {
    readonly host: string;
    readonly port: number;
    readonly pinnedHostKeys: readonly string[];
    readonly trustOnFirstUse: boolean;
  };
  readonly credential: SshCredential;
  /** The session's own from now on; the gateway's network when it is not said. */
  readonly way?: TargetWay;
  readonly display: Display;
  readonly timezone?: string;
  readonly guacd: GuacdPlace;
  /** For a guacd that cannot reach the gateway's loopback: where to listen, and by what name guacd finds it. */
  readonly bridge?: { readonly address: string; readonly reachedAs: string };
  readonly settings: TerminalSettings;
  /** Run in place of the account's shell. */
  readonly command?: string;
  readonly policy: GuacdPolicy;
  readonly tap?: ShellTap;
  readonly recorder?: PictureTap;
  readonly signal: AbortSignal;
  readonly onProgress?: ReportProgress;
  /** How long a viewer may take nothing; guacd ends the session at 15 s. */
  readonly stallMs?: number;
  /** The viewer took nothing for that long and was let go: attach again when it can. */
  readonly onStalled?: () => void;
  readonly onInput?: OnInput;
  readonly onRefused?: (from: 'browser' | 'guacd', opcode: string) => void;
}

/** After the shell's end guacd draws the last lines and leaves by itself, in about a second. */
const farewellMs = 3_000;

/**
 * Opens a shell on a target, drawn by guacd. The way to the target and the way to guacd are gone at the same
 * time. Throws a {@link SessionFailure} that names its leg; nothing is left open then.
 */
export async function openSshSession(options: SshSessionOptions): Promise<SshSession> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const bridge = await Bridge.open({ signal, ...(options.bridge && { address: options.bridge.address }) });
  const target = connectTarget({ ...options.target, ...pick(options), signal });
  const output = new ShellOutput();
  const holdOutput = output.hold;
  const picture = openPicture({ ...pictureOptions(options, bridge, signal), holdOutput });
  try {
    const shells = await openShells(bridge, target, reported(options, picture), options.command);
    const parts = { ...shells, output, bridge, target: await target, picture: await picture };
    return new SshSession(options, parts);
  } catch (error) {
    failed.abort();
    bridge.close();
    target.then((open) => open.close(), ignore);
    picture.then((open) => open.close(), ignore);
    options.way?.close();
    throw options.signal.aborted ? new SessionFailure('gateway', 'cancelled') : error;
  }
}

const ignore = () => {}; // the first failure has been thrown; the others follow from it

function pick({ credential, way, onProgress }: SshSessionOptions) {
  return { credential, ...(way && { way }), ...(onProgress && { onProgress }) };
}

async function reported({ onProgress }: SshSessionOptions, opening: Promise<Picture>): Promise<Picture> {
  onProgress?.('guacd', 'started');
  const picture = await opening;
  onProgress?.('guacd', 'done');
  return picture;
}

function pictureOptions(options: SshSessionOptions, bridge: Bridge, signal: AbortSignal): PictureOptions {
  const { guacd, display, timezone, policy, onRefused, onStalled, onInput, recorder } = options;
  const host = options.bridge?.reachedAs ?? '127.0.0.1';
  return {
    ...{ guacd, display, policy, signal, select: { protocol: 'ssh' }, audio: [], video: [] },
    ...(timezone !== undefined && { timezone }),
    ...(options.stallMs !== undefined && { timing: { stallMs: options.stallMs } }),
    ...(onRefused && { onRefused }),
    ...(onStalled && { onStalled }),
    ...(onInput && { onInput }),
    ...(recorder && { recorder }),
    parameters: {
      ...terminalParameters(options.settings),
      ...{ hostname: host, port: String(bridge.port), username: bridge.username, password: bridge.password },
      'host-key': bridge.knownHost(host),
      'disable-copy': String(policy.disableCopy),
      'disable-paste': String(policy.disablePaste),
      timezone: timezone ?? '',
    },
  };
}

interface Shells {
  readonly near: BridgeShell;
  readonly far: TargetShell;
  readonly opened: Terminal;
}

async function openShells(
  bridge: Bridge,
  target: Promise<TargetConnection>,
  picture: Promise<Picture>,
  command: string | undefined,
): Promise<Shells> {
  // guacd reports `ready` before it comes for its terminal, and may fail in between.
  const givenUp = picture.then((opened) => opened.ended).then((failure) => Promise.reject(asGuacd(failure)));
  const lost = target.then((connection) => connection.ended).then((failure) => Promise.reject(failure));
  const wanted = Promise.all([bridge.shell, target, picture]);
  const [near, connection] = await Promise.race([wanted, givenUp, lost]);
  const opened = near.terminal;
  const opening = connection.openShell(opened, near.environment, command);
  const far = await Promise.race([opening, givenUp, lost]);
  return { near, far, opened };
}

/** To guacd the bridge is the target, and what it says about it is about us. */
function asGuacd(failure: SessionFailure): SessionFailure {
  if (failure.leg === 'guacd' || failure.leg === 'gateway') return failure;
  return new SessionFailure('guacd', 'guacd-error', `guacd left the bridge: ${failure.code}`);
}

interface Parts extends Shells {
  readonly output: ShellOutput;
  readonly bridge: Bridge;
  readonly target: TargetConnection;
  readonly picture: Picture;
}

/** A running shell with its picture. Browsers come and go; it lives until either end is over or `close`. */
export class SshSession extends ViewedSession {
  /** The key that the target showed, pinned or trusted on this first use. */
  readonly hostKey: HostKey;
  readonly trustedOnFirstUse: boolean;
  /** Settles when the session is over: `closed` for a shell that ended or a wish to end, else what went wrong. */
  readonly ended: Promise<SessionFailure>;
  readonly #signal: AbortSignal;
  readonly #parts: Parts;
  readonly #way: TargetWay;
  #exit: ShellExit | null = null;
  #finish: (failure: SessionFailure) => void = () => {};
  #over = false;

  constructor(options: SshSessionOptions, parts: Parts) {
    super(parts.picture);
    this.#signal = options.signal;
    this.#parts = parts;
    this.#way = options.way ?? directWay();
    this.hostKey = parts.target.hostKey;
    this.trustedOnFirstUse = parts.target.trustedOnFirstUse;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    const { near, far, opened, output } = parts;
    const { tap = null } = options;
    const onExit = (exit: ShellExit) => this.#exited(exit);
    const joined = { tap, output, onExit, drawn: () => parts.picture.lastWordsDrawn() };
    void joinShells(near, far, opened, joined).then((end) => this.#shellEnded(end));
    void parts.target.ended.then((failure) => {
      if (!this.#exit) this.#end(failure); // else the shell's last words are still being shown
    });
    void parts.picture.ended.then((failure) => this.#end(asGuacd(failure)));
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  /** Milliseconds between gateway and target and back; null before the first measurement. */
  get latencyToTarget(): number | null {
    return this.#parts.target.roundTrip;
  }

  /** Calls back with each measurement; the result stops it. */
  watchLatency(callback: (milliseconds: number) => void): () => void {
    return this.#parts.target.watchRoundTrip(callback);
  }

  /** A channel of the target's SFTP beside the shell. Throws a {@link FileFailure}. */
  openSftp(): Promise<Duplex> {
    return this.#parts.target.openSftp();
  }

  /** How the shell ended; null before, and when the connection broke. */
  get exit(): ShellExit | null {
    return this.#exit;
  }

  /** Ends the shell, guacd's part and the bridge. */
  async close(): Promise<void> {
    this.#end(new SessionFailure('gateway', 'closed', 'the gateway ended the session'));
    await this.ended;
  }

  readonly #onAbort = () => this.#end(new SessionFailure('gateway', 'cancelled'));

  /** Many a target closes its connection right behind the shell, which is no failure of either. */
  #exited(exit: ShellExit): void {
    const told = exit.status !== null || exit.signal !== null;
    if (told && !this.#parts.target.failure) this.#exit = exit;
  }

  /** The picture's last lines and guacd's own reason come a moment after the shell's end. */
  #shellEnded(end: ShellEnd): void {
    const broken = this.#exit ? null : this.#parts.target.failure;
    if (broken) return this.#end(broken);
    if (end.by === 'target') {
      return this.#end(new SessionFailure('target', 'target-closed', 'the target closed the shell'));
    }
    const left = new SessionFailure('guacd', 'guacd-lost', 'guacd left the bridge');
    const farewell = setTimeout(() => this.#end(left), farewellMs);
    void this.#parts.picture.ended.then(() => {
      clearTimeout(farewell);
      this.#end(left);
    });
  }

  #end(failure: SessionFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    const why = this.#exit ? shellEnded() : this.#way.explain(failure);
    this.#parts.target.close();
    this.#parts.bridge.close();
    void this.#parts.picture.close();
    this.#way.close();
    this.#finish(why);
  }
}

function shellEnded(): SessionFailure {
  return new SessionFailure('target', 'closed', 'the shell has ended');
}
