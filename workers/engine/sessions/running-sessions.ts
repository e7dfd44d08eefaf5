// The running sessions of a vault: their keys, and the signals that pass under them.
import type { SessionEvent } from '../../api.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { SignalFrame } from '../../../protocol/messages/gen/link_pb.js';
import type { SessionKeys } from '../../../protocol/session/session-keys.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultLink } from '../connection/vault-link.ts';
import type { NamedGateway } from '../gateways/gateways.ts';
import type { AccessRenewal } from './access-renewal.ts';
import { describeSignal } from './session-signals.ts';

export interface RunningSession {
  readonly keys: SessionKeys;
  readonly gateway: NamedGateway;
  /** null: somebody else's session, in which one is a guest. */
  readonly recordUid: Uid | null;
  readonly shareUid?: Uid;
  /** Signs for another peer connection; its private half leaves the platform for nobody. */
  readonly resumeKey: Signer;
}

export interface RunningSessionsParts {
  readonly link: Pick<VaultLink, 'connection'>;
  readonly onEvent: (event: SessionEvent) => void;
  readonly warn: (message: string) => void;
}

/** A session's signals are opened and sealed in order, one after another. */
interface Entry {
  readonly session: RunningSession;
  opened: Promise<void>;
  sealed: Promise<void>;
  waiting: number;
  /** Of a session on somebody else's machine. */
  renewal: AccessRenewal | null;
}

export class RunningSessions {
  readonly #parts: RunningSessionsParts;
  readonly #entries = new Map<Uid, Entry>();

  constructor(parts: RunningSessionsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(sessionUid: Uid, session: RunningSession): void {
    const settled = Promise.resolve();
    this.#entries.set(sessionUid, { session, opened: settled, sealed: settled, waiting: 0, renewal: null });
  }

  find(sessionUid: Uid): RunningSession | null {
    return this.#entries.get(sessionUid)?.session ?? null;
  }

  /** Throws `not-found`. */
  require(sessionUid: Uid): RunningSession {
    return this.#require(sessionUid).session;
  }

  /** It may have ended while the gateway's answer was opened: then nobody is to be told of its access. */
  keepAccess(sessionUid: Uid, session: RunningSession, begin: () => AccessRenewal): void {
    const entry = this.#entries.get(sessionUid);
    if (entry?.session === session) entry.renewal = begin();
  }

  /** Throws `not-found`, and what the link throws. */
  async sendCandidate(sessionUid: Uid, value: { candidate: string; mid: string }): Promise<void> {
    const entry = this.#require(sessionUid);
    const connection = await this.#parts.link.connection();
    const sent = entry.sealed.then(async () => {
      const sealed = await entry.session.keys.sealSignal({ case: 'candidate', value });
      connection.send({ case: 'signal', value: { sessionUid: uidBytes(sessionUid), sealed } });
    });
    entry.sealed = sent.catch(() => undefined); // told to the caller below; the next candidate has its own try
    await sent;
  }

  /** A signal from the router: opened in order of arrival, or dropped. */
  receive({ sessionUid, sealed }: SignalFrame): void {
    const uid = uidOf(sessionUid);
    const entry = this.#entries.get(uid);
    if (!entry) return; // of a session that has ended here
    if (entry.waiting >= limits.signalsPerSession)
      return this.#parts.warn('too many signals wait: one is dropped');
    entry.waiting++;
    entry.opened = entry.opened
      .then(() => this.#hear(uid, entry.session, sealed))
      .finally(() => entry.waiting--);
  }

  forget(sessionUid: Uid): void {
    this.#entries.get(sessionUid)?.renewal?.stop();
    this.#entries.delete(sessionUid);
  }

  /** Forgets every key. */
  clear(): void {
    for (const sessionUid of [...this.#entries.keys()]) this.forget(sessionUid);
  }

  #require(sessionUid: Uid): Entry {
    const entry = this.#entries.get(sessionUid);
    if (!entry) throw new ProtocolError('not-found', 'the session is over');
    return entry;
  }

  async #hear(sessionUid: Uid, { keys }: RunningSession, sealed: Uint8Array): Promise<void> {
    try {
      const event = describeSignal(sessionUid, await keys.openSignal(sealed));
      if (event === null || !this.#entries.has(sessionUid)) return;
      if (event.kind === 'ended') this.forget(sessionUid);
      this.#parts.onEvent(event);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`a signal of session ${sessionUid} was ignored: ${error.code}`);
    }
  }
}
