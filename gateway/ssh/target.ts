import type { Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import type { HostKey, SessionLeg } from '../terminal/failure.ts';
import type { SshCredential } from './credential.ts';
import { describeHostKey, isPinned, preferPinned } from './host-key.ts';
import { Login } from './login.ts';
import { readPrivateKey } from './private-key.ts';
import { TargetConnection } from './target-connection.ts';
import { directWay, type TargetWay } from './target-way.ts';

/** Bytes of a host key. RSA with 16384 bits has 2 KiB; as text it must fit a control frame. */
const mostHostKey = 4 * 1024;

export type ReportProgress = (leg: SessionLeg, state: 'started' | 'done') => void;

export interface TargetOptions {
  readonly host: string;
  readonly port: number;
  readonly credential: SshCredential;
  /** Host keys pinned in the record, "type base64". Empty: the first use. */
  readonly pinnedHostKeys: readonly string[];
  /** Whether policy trusts a key on first use; asked only when none is pinned. */
  readonly trustOnFirstUse: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: ReportProgress;
  /** The gateway's own network when it is not said. */
  readonly way?: TargetWay;
  readonly connectMs?: number;
  readonly handshakeMs?: number;
}

/**
 * Connects and logs in. Throws a {@link SessionFailure}: of the way (`name-not-found`, `target-refused`,
 * `target-timed-out` …), of the host key (with the key shown), of the login.
 */
export async function connectTarget(options: TargetOptions): Promise<TargetConnection> {
  const report = options.onProgress ?? (() => {});
  const { host, port, way = directWay(options.connectMs) } = options;
  if (!way.jumps) report('target', 'started');
  const [keyText, socket] = await both(readKey(options), way.open({ host, port }, options.signal));
  if (way.jumps) report('target', 'started');
  const login = new Login(options.credential, keyText);
  const late = () =>
    new SessionFailure('target', 'target-timed-out', 'the target did not finish the handshake');
  try {
    return await withDeadline(options.handshakeMs ?? 20_000, options.signal, late, (signal) =>
      new Handshake(options, socket, login, report).run(signal),
    );
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function readKey({ credential, signal }: TargetOptions): Promise<string | null> {
  if (credential.privateKey === undefined) return null;
  return readPrivateKey(credential.privateKey, credential.passphrase, signal);
}

/** Both or neither: an unreadable key lets go of the connection. */
async function both(key: Promise<string | null>, socket: Promise<Duplex>): Promise<[string | null, Duplex]> {
  const [keyText, connected] = await Promise.allSettled([key, socket]);
  if (connected.status === 'rejected') throw connected.reason;
  if (keyText.status === 'fulfilled') return [keyText.value, connected.value];
  connected.value.destroy();
  throw keyText.reason;
}

/** One SSH handshake and login over a connected socket. */
class Handshake {
  readonly #options: TargetOptions;
  readonly #socket: Duplex;
  readonly #login: Login;
  readonly #report: ReportProgress;
  readonly #client = new ssh2.Client();
  #hostKey: HostKey | null = null;
  #trustedOnFirstUse = false;
  #hostFailure: SessionFailure | null = null;
  #loggingIn = false;

  constructor(options: TargetOptions, socket: Duplex, login: Login, report: ReportProgress) {
    this.#options = options;
    this.#socket = socket;
    this.#login = login;
    this.#report = report;
  }

  async run(signal: AbortSignal): Promise<TargetConnection> {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new SessionFailure('target', 'cancelled')), {
        once: true,
      });
      this.#client.on('error', (error) => reject(this.#failureOf(error)));
      this.#client.once('close', () => reject(this.#failureOf(null)));
      this.#client.once('ready', resolve);
      this.#start();
    });
    this.#report('login', 'done');
    const hostKey = this.#hostKey ?? { key: '', fingerprint: '' };
    return new TargetConnection(this.#client, this.#socket, hostKey, this.#trustedOnFirstUse);
  }

  #start(): void {
    this.#client.connect({
      sock: this.#socket,
      username: this.#options.credential.username,
      readyTimeout: 0, // the deadline is ours
      keepaliveInterval: 0, // so is the keep-alive: it measures
      algorithms: { serverHostKey: preferPinned(this.#options.pinnedHostKeys), compress: ['none'] },
      hostVerifier: (blob: Buffer) => this.#verify(blob),
      authHandler: ((left: string[] | null, partial: boolean | null) =>
        this.#nextLogin(left, partial)) as unknown as ssh2.AuthHandlerMiddleware,
    });
  }

  #nextLogin(left: readonly string[] | null, partial: boolean | null): ssh2.AnyAuthMethod | false {
    if (left === null) {
      this.#loggingIn = true;
      this.#report('target', 'done');
      this.#report('login', 'started');
    }
    return this.#login.next(left, partial);
  }

  #verify(blob: Buffer): boolean {
    if (blob.length > mostHostKey) {
      this.#hostFailure = new SessionFailure('target', 'target-protocol', 'the host key is too long');
      return false;
    }
    const hostKey = describeHostKey(blob);
    this.#hostKey = hostKey;
    if (isPinned(blob, this.#options.pinnedHostKeys)) return true;
    if (this.#options.pinnedHostKeys.length > 0) {
      const message = 'the host key of the target is not the pinned one';
      this.#hostFailure = new SessionFailure('target', 'host-key-mismatch', message, hostKey);
      return false;
    }
    this.#trustedOnFirstUse = this.#options.trustOnFirstUse;
    if (this.#trustedOnFirstUse) return true;
    const message = 'the host key of the target is not known yet';
    this.#hostFailure = new SessionFailure('target', 'host-key-unknown', message, hostKey);
    return false;
  }

  /** null: the target closed the connection. In the middle of a login that is how sshd says "enough tries". */
  #failureOf(error: Error | null): SessionFailure {
    if (this.#hostFailure) return this.#hostFailure;
    if (this.#loggingIn) return this.#login.failure();
    const why = error?.message.startsWith('Handshake failed: no matching')
      ? 'no algorithm in common'
      : 'it closed';
    return new SessionFailure(
      'target',
      'target-protocol',
      `the SSH handshake with the target failed: ${why}`,
    );
  }
}
