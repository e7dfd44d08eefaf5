import type { Stream } from '../../protocol/channel/multiplexer.ts';
import { encodeHex, type Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import type { RemoteFileRequest } from '../../protocol/messages/gen/remote-file_pb.js';
import type { StreamOpen } from '../../protocol/messages/gen/session_pb.js';
import type { Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { Peer } from '../media/peer.ts';
import { Refusal } from '../router/refusal.ts';
import type { Session } from './session.ts';
import { ends, type SessionEnd } from './session-end.ts';

/** Ended sessions whose page may still come and ask; the oldest are forgotten. Each was a signed command. */
const mostLate = limits.sessionsPerGateway;

/** What a page that comes back needs of its session. */
export type ResumableSession = Pick<
  Session,
  'uid' | 'accountUid' | 'recordUid' | 'shareUid' | 'peer' | 'keys' | 'resumeKey' | 'reporter'
>;

/** The sessions of this gateway, each with its owner, and the tokens that open their streams, each once. */
export class Sessions {
  readonly #sessions = new Map<Uid, Session>();
  readonly #tokens = new Map<string, Session>();
  readonly #late = new Set<string>(); // tokens of sessions that ended before their stream came
  readonly #fileTokens = new Map<string, Session>(); // each opens any number of streams while its session runs
  readonly #left = new Map<Uid, Session>(); // that ended while their page was away: it may still come for the reason
  readonly #reserved = new Map<Uid, number>(); // account → sessions being made
  readonly #log: Logger;
  readonly #onEnded: (sessionUid: Uid, code: string) => void;
  #closed = false;

  constructor(log: Logger, onEnded: (sessionUid: Uid, code: string) => void) {
    this.#log = log;
    this.#onEnded = onEnded;
  }

  get size(): number {
    return this.#sessions.size;
  }

  list(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  find(sessionUid: Uid): Session | null {
    return this.#sessions.get(sessionUid) ?? null;
  }

  /** Also one that has ended, for as long as its page may come back. */
  findResumable(sessionUid: Uid): ResumableSession | null {
    return this.#sessions.get(sessionUid) ?? this.#left.get(sessionUid) ?? null;
  }

  /** A place for one more session of the account, to be given back. Throws `busy` when there is none. */
  reserve(accountUid: Uid): () => void {
    const making = [...this.#reserved.values()].reduce((sum, count) => sum + count, 0);
    if (this.#closed || this.size + making >= limits.sessionsPerGateway)
      throw new Refusal('busy', 'the gateway has as many sessions as it takes');
    const reserved = this.#reserved.get(accountUid) ?? 0;
    const own = this.list().filter((session) => session.accountUid === accountUid).length;
    if (own + reserved >= limits.sessionsPerAccount)
      throw new Refusal('busy', 'the account has as many sessions as it may');
    this.#reserved.set(accountUid, reserved + 1);
    return () => {
      const left = (this.#reserved.get(accountUid) ?? 1) - 1;
      if (left > 0) this.#reserved.set(accountUid, left);
      else this.#reserved.delete(accountUid);
    };
  }

  /**
   * Takes a session in until it ends. `token` opens its stream, once, on its own peer connection, in its time; `fileToken`
   * there the streams of its files.
   */
  add(session: Session, token: Bytes, fileToken: Bytes | null = null): void {
    const key = encodeHex(token);
    this.#sessions.set(session.uid, session);
    this.#tokens.set(key, session);
    const fileKey = fileToken === null ? null : encodeHex(fileToken);
    if (fileKey !== null) this.#fileTokens.set(fileKey, session);
    void session.ended.then(({ code }) => {
      if (fileKey !== null) this.#fileTokens.delete(fileKey);
      this.#sessions.delete(session.uid);
      this.#keepLate(key);
      this.#keepLeft(session);
      this.#onEnded(session.uid, code);
    });
    void session.streamDue.then(() => this.#forget(key));
    if (this.#closed) session.end(ends.gatewayStopping);
  }

  /** A stream that a page opened. */
  claim(peer: Peer, stream: Stream, open: StreamOpen): void {
    if (open.file !== undefined) return this.#claimFile(peer, stream, open.streamToken, open.file);
    const key = encodeHex(open.streamToken);
    const session = this.#tokens.get(key);
    if (session === undefined || session.peer !== peer) {
      this.#log.warn('stream refused', { peer: peer.uid });
      return stream.reset('refused');
    }
    this.#forget(key);
    session.attach(stream);
  }

  #claimFile(peer: Peer, stream: Stream, token: Uint8Array, request: RemoteFileRequest): void {
    const session = this.#fileTokens.get(encodeHex(token));
    if (session?.peer === peer) return session.serveFile(stream, request);
    // A session that has just ended is asked in good faith.
    stream.reset('unavailable');
  }

  /** Ends all and takes no more. Settles when every page has taken the news in. */
  async close(end: SessionEnd = ends.gatewayStopping): Promise<void> {
    this.#closed = true;
    const running = this.list();
    for (const session of running) session.end(end);
    await Promise.all(running.map((session) => session.departed));
  }

  /** A session that fails at once is over before its page can come: then the page is to hear why, on its stream. */
  #keepLate(key: string): void {
    if (!this.#tokens.has(key)) return;
    this.#late.add(key);
    for (const oldest of this.#late) if (this.#late.size > mostLate) this.#forget(oldest);
  }

  #keepLeft(session: Session): void {
    if (!session.pageAway || this.#closed) return;
    this.#left.set(session.uid, session);
    void session.peer.ended.then(() => this.#left.delete(session.uid));
  }

  #forget(key: string): void {
    this.#tokens.delete(key);
    this.#late.delete(key);
  }
}
