import { openGuacd } from '../guacd/connection.ts';
import type { GuacdConnection, GuacdOptions, GuacdPolicy, Viewer } from '../guacd/connection.ts';
import type { Display } from '../guacd/handshake.ts';
import { Bridge } from '../ssh/bridge.ts';
import type { BridgeShell } from '../ssh/bridge-shell.ts';
import type { SshCredential } from '../ssh/credential.ts';
import { joinShells } from '../ssh/join-shells.ts';
import type { ShellEnd, ShellTap } from '../ssh/join-shells.ts';
import { connectTarget } from '../ssh/target.ts';
import type { ReportProgress } from '../ssh/target.ts';
import type { ShellExit, TargetConnection, TargetShell, Terminal } from '../ssh/target-connection.ts';
import { SessionFailure } from './failure.ts';
import type { HostKey } from './failure.ts';
import { HeldPicture } from './held-picture.ts';
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
  readonly display: Display;
  readonly timezone?: string;
  readonly guacd: { readonly host: string; readonly port: number };
  /** For a guacd that cannot reach the gateway's loopback: where to listen, and by what name guacd finds it. */
  readonly bridge?: { readonly address: string; readonly reachedAs: string };
  readonly settings: TerminalSettings;
  readonly policy: GuacdPolicy;
  readonly tap?: ShellTap;
  readonly signal: AbortSignal;
  readonly onProgress?: ReportProgress;
  /** How long a viewer may take nothing; guacd ends the session at 15 s. */
  readonly stallMs?: number;
  /** The viewer took nothing for that long and was let go: attach again when it can. */
  readonly onStalled?: () => void;
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
  const held = new HeldPicture();
  const onStalled = () => (held.waiting ? held.drop() : options.onStalled?.());
  const target = connectTarget({ ...options.target, ...pick(options), signal });
  const guacd = openGuacd({
    ...guacdOptions(options, bridge, signal),
    viewer: held.take,
    onStalled,
  });
  try {
    const shells = await openShells(bridge, target, reported(options, guacd));
    return new SshSession(options, { ...shells, bridge, target: await target, guacd: await guacd, held });
  } catch (error) {
    failed.abort();
    bridge.close();
    target.then((open) => open.close(), ignore);
    guacd.then((open) => open.close(), ignore);
    throw options.signal.aborted ? new SessionFailure('gateway', 'cancelled') : error;
  }
}

const ignore = () => {}; // the first failure has been thrown; the others follow from it

function pick({ credential, onProgress }: SshSessionOptions) {
  return { credential, ...(onProgress && { onProgress }) };
}

async function reported(
  { onProgress }: SshSessionOptions,
  guacd: Promise<GuacdConnection>,
): Promise<GuacdConnection> {
  onProgress?.('guacd', 'started');
  const connection = await guacd;
  onProgress?.('guacd', 'done');
  return connection;
}

function guacdOptions(options: SshSessionOptions, bridge: Bridge, signal: AbortSignal): GuacdOptions {
  const { guacd, display, timezone, policy, onRefused } = options;
  const host = options.bridge?.reachedAs ?? '127.0.0.1';
  return {
    ...{ ...guacd, display, policy, signal, select: { protocol: 'ssh' }, audio: [], video: [] },
    ...(timezone !== undefined && { timezone }),
    ...(options.stallMs !== undefined && { timing: { stallMs: options.stallMs } }),
    ...(onRefused && { onRefused }),
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
  guacd: Promise<GuacdConnection>,
): Promise<Shells> {
  // guacd reports `ready` before it comes for its terminal, and may fail in between.
  const givenUp = guacd
    .then((connection) => connection.ended)
    .then((failure) => Promise.reject(asGuacd(failure)));
  const lost = target.then((connection) => connection.ended).then((failure) => Promise.reject(failure));
  const wanted = Promise.all([bridge.shell, target, guacd]);
  const [near, connection] = await Promise.race([wanted, givenUp, lost]);
  const opened = near.terminal;
  const far = await Promise.race([connection.openShell(opened, near.environment), givenUp, lost]);
  return { near, far, opened };
}

/** To guacd the bridge is the target, and what it says about it is about us. */
function asGuacd(failure: SessionFailure): SessionFailure {
  if (failure.leg === 'guacd' || failure.leg === 'gateway') return failure;
  return new SessionFailure('guacd', 'guacd-error', `guacd left the bridge: ${failure.code}`);
}

interface Parts extends Shells {
  readonly bridge: Bridge;
  readonly target: TargetConnection;
  readonly guacd: GuacdConnection;
  readonly held: HeldPicture;
}

/** A running shell with its picture. Browsers come and go; it lives until either end is over or `close`. */
export class SshSession {
  /** The key that the target showed, pinned or trusted on this first use. */
  readonly hostKey: HostKey;
  readonly trustedOnFirstUse: boolean;
  /** Settles when the session is over: `closed` for a shell that ended or a wish to end, else what went wrong. */
  readonly ended: Promise<SessionFailure>;
  readonly #options: SshSessionOptions;
  readonly #parts: Parts;
  #guacd: GuacdConnection;
  #exit: ShellExit | null = null;
  #finish: (failure: SessionFailure) => void = () => {};
  #over = false;

  constructor(options: SshSessionOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#guacd = parts.guacd;
    this.hostKey = parts.target.hostKey;
    this.trustedOnFirstUse = parts.target.trustedOnFirstUse;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    const { near, far, opened } = parts;
    void joinShells(near, far, opened, options.tap ?? null).then((end) => this.#shellEnded(end));
    void parts.target.ended.then((failure) => this.#end(failure));
    this.#watch(parts.guacd);
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

  /** How the shell ended; null before, and when the connection broke. */
  get exit(): ShellExit | null {
    return this.#exit;
  }

  /**
   * Shows the session to this viewer, whole: the first one gets what was held for it, a later one gets the
   * present screen from guacd. Replaces the viewer before. Throws when guacd cannot be joined.
   */
  async attach(viewer: Viewer): Promise<void> {
    const held = this.#parts.held.release();
    if (held === null) return this.#rejoin(viewer);
    this.#guacd.attach(viewer);
    for (const part of held) viewer(part);
  }

  /** Goes on without a browser. */
  detach(): void {
    this.#parts.held.drop();
    this.#guacd.detach();
  }

  /** The viewer has room again. */
  resume(): void {
    this.#guacd.resume();
  }

  /** What the browser says, checked. False: wait for `drained`. */
  write(fromBrowser: Uint8Array): boolean {
    return this.#guacd.write(fromBrowser);
  }

  drained(): Promise<void> {
    return this.#guacd.drained();
  }

  /** Ends the shell, guacd's part and the bridge. */
  async close(): Promise<void> {
    this.#end(new SessionFailure('gateway', 'closed', 'the gateway ended the session'));
    await this.ended;
  }

  readonly #onAbort = () => this.#end(new SessionFailure('gateway', 'cancelled'));

  /** guacd gives whoever joins the whole screen; the old connection may then go. */
  async #rejoin(viewer: Viewer): Promise<void> {
    const options = guacdOptions(this.#options, this.#parts.bridge, this.#options.signal);
    const old = this.#guacd;
    const select = { join: old.id };
    const joined = await openGuacd({
      ...options,
      select,
      parameters: {},
      viewer,
      onStalled: () => this.#options.onStalled?.(),
    });
    if (this.#over) return void joined.close();
    this.#guacd = joined;
    this.#watch(joined);
    void joined.inSession.then(() => old.close());
  }

  #watch(guacd: GuacdConnection): void {
    void guacd.ended.then((failure) => {
      if (guacd === this.#guacd) this.#end(asGuacd(failure));
    });
  }

  /** The picture's last lines and guacd's own reason come a moment after the shell's end. */
  #shellEnded(end: ShellEnd): void {
    const broken = this.#parts.target.failure;
    if (broken) return this.#end(broken);
    if (end.by === 'target') {
      return this.#end(new SessionFailure('target', 'target-closed', 'the target closed the shell'));
    }
    if (end.by === 'shell') this.#exit = end.exit;
    const left = new SessionFailure('guacd', 'guacd-lost', 'guacd left the bridge');
    const farewell = setTimeout(() => this.#end(left), farewellMs);
    void this.#guacd.ended.then(() => {
      clearTimeout(farewell);
      this.#end(left);
    });
  }

  #end(failure: SessionFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#parts.target.close();
    this.#parts.bridge.close();
    void this.#guacd.close();
    this.#finish(this.#exit ? shellEnded() : failure);
  }
}

function shellEnded(): SessionFailure {
  return new SessionFailure('target', 'closed', 'the shell has ended');
}
