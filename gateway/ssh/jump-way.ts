import type { Duplex } from 'node:stream';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import type { FailureCode } from '../terminal/failure.ts';
import type { SshCredential } from './credential.ts';
import { connectTarget, type ReportProgress } from './target.ts';
import type { TargetConnection } from './target-connection.ts';
import type { Address, TargetWay } from './target-way.ts';

export interface JumpOptions extends Address {
  readonly credential: SshCredential;
  /** "type base64"; without one nothing is sent to whoever answers. */
  readonly pinnedHostKeys: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress?: ReportProgress;
  /** Of the jump machine for the connection that it makes. */
  readonly forwardMs?: number;
}

/** An SSH server that cannot reach a host says so after its own time, two minutes with Linux. */
const defaultForwardMs = 15_000;

/** What of these is about the machine beyond; the jump machine's word, in RFC 4254 §5.1's numbers. */
const refusals: Readonly<Record<number, FailureCode>> = {
  1: 'forwarding-refused',
  2: 'target-unreachable',
  3: 'forwarding-refused',
  4: 'forwarding-refused',
};

/** How OpenSSH words it; anything else is "unreachable". */
const wordings: readonly (readonly [RegExp, FailureCode])[] = [
  [/connection refused/i, 'target-refused'],
  [/timed out/i, 'target-timed-out'],
  [/name or service not known|no address associated|temporary failure in name resolution/i, 'name-not-found'],
];

/**
 * The way through another machine's SSH (protocol.md §12.11): one login there, which opens connections to the target and
 * nothing else. Its host key must be pinned: nobody is asked, and none is taken on first use. Whoever sits there sees what
 * a router would see.
 */
export class JumpWay implements TargetWay {
  readonly jumps = true;
  readonly #options: JumpOptions;
  #login: Promise<TargetConnection> | null = null;
  readonly #left = new AbortController();
  #connection: TargetConnection | null = null;

  constructor(options: JumpOptions) {
    this.#options = options;
  }

  async open(address: Address, signal: AbortSignal): Promise<Duplex> {
    const connection = await (this.#login ??= this.#logIn());
    const { forwardMs = defaultForwardMs } = this.#options;
    const late = () =>
      new SessionFailure('target', 'target-timed-out', 'the jump machine got no answer from the target');
    return await withDeadline(forwardMs, signal, late, (deadline) => forward(connection, address, deadline));
  }

  explain(failure: SessionFailure): SessionFailure {
    const broke = failure.code === 'target-lost' || failure.code === 'target-closed';
    if (!broke || this.#left.signal.aborted || this.#connection?.alive !== false) return failure;
    return new SessionFailure('jump', 'target-lost', 'the connection to the jump machine broke');
  }

  close(): void {
    this.#left.abort();
    this.#connection?.close();
  }

  async #logIn(): Promise<TargetConnection> {
    const { onProgress: report = () => {}, ...options } = this.#options;
    const signal = AbortSignal.any([options.signal, this.#left.signal]);
    report('jump', 'started');
    try {
      const connection = await connectTarget({ ...options, signal, trustOnFirstUse: false });
      this.#connection = connection;
      if (signal.aborted) connection.close();
      report('jump', 'done');
      return connection;
    } catch (error) {
      throw error instanceof SessionFailure ? ofJump(error) : error;
    }
  }
}

/** The page must not ask whether to trust this key: it would be pinned to the machine beyond. */
function ofJump({ code, message, hostKey }: SessionFailure): SessionFailure {
  const shown = hostKey === null ? '' : `: it shows ${hostKey.fingerprint}`;
  return new SessionFailure('jump', code, `jump machine: ${message}${shown}`);
}

async function forward(
  connection: TargetConnection,
  { host, port }: Address,
  signal: AbortSignal,
): Promise<Duplex> {
  const opening = connection.openForward(host, port);
  const givenUp = Promise.withResolvers<never>();
  const giveUp = () => givenUp.reject(new SessionFailure('target', 'cancelled'));
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([opening, givenUp.promise]);
  } catch (error) {
    opening.then(
      (socket) => socket.destroy(),
      () => undefined, // it has been thrown, or nobody waits for it
    );
    throw error instanceof SessionFailure ? error : refusalOf(error, connection);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function refusalOf(error: unknown, { alive }: TargetConnection): SessionFailure {
  if (!alive) return new SessionFailure('jump', 'target-lost', 'the connection to the jump machine broke');
  const reason = error instanceof Error && 'reason' in error ? Number(error.reason) : 0;
  const code = refusals[reason] ?? 'forwarding-refused';
  if (code === 'forwarding-refused')
    return new SessionFailure('jump', code, 'the jump machine lets nobody connect through it');
  const said = error instanceof Error ? error.message : '';
  const known = wordings.find(([wording]) => wording.test(said))?.[1] ?? code;
  return new SessionFailure('target', known, 'the jump machine cannot connect to the target');
}
