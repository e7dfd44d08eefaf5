import type { Stream } from '../../protocol/channel/multiplexer.ts';
import type { Bytes } from '../../protocol/bytes.ts';
import { Leg, type SessionSignal } from '../../protocol/messages/gen/session_pb.js';
import type { SessionProtocol } from '../../protocol/records/pam-settings.ts';
import type { SessionKeys } from '../../protocol/session/session-keys.ts';
import type { RemoteFileRequest } from '../../protocol/messages/gen/remote-file_pb.js';
import type { FileSettings } from '../../protocol/records/session-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { MovedFiles } from '../files/file-reports.ts';
import { SessionFiles } from '../files/session-files.ts';
import type { SharedTerms } from '../sharing/share-policy.ts';
import type { Logger } from '../log/logger.ts';
import type { Peer } from '../media/peer.ts';
import { SessionFailure } from '../terminal/failure.ts';
import { DroppedInstructions } from './dropped-instructions.ts';
import { takeLeave } from './farewell.ts';
import { PagePresence } from './page-presence.ts';
import { Reporter } from './reporter.ts';
import { SessionClock, type SessionLimits } from './session-clock.ts';
import { endOfFailure, ends, legOf, type SessionEnd } from './session-end.ts';
import { SignalInbox } from './signal-inbox.ts';
import { ShellView, type Shell, type ShellHooks } from './shell-view.ts';

export type { Shell, ShellHooks } from './shell-view.ts';

/** What of a peer connection a session uses. */
export type SessionPeer = Pick<Peer, 'uid' | 'ended' | 'addCandidate' | 'watch' | 'resume' | 'takeDetour'>;

export interface SessionOptions {
  readonly uid: Uid;
  readonly recordUid: Uid;
  readonly accountUid: Uid;
  readonly protocol: SessionProtocol;
  /** Of the sealed record; without them it lasts. */
  readonly limits?: SessionLimits;
  readonly keys: SessionKeys;
  readonly peer: SessionPeer;
  /** By which its vault signs for another peer connection, 65 bytes; null: it can have none. */
  readonly resumeKey: Bytes | null;
  /** So long it waits for a page that is away. */
  readonly graceMs: number;
  readonly begunAt: number;
  readonly openShell: (hooks: ShellHooks) => Promise<Shell>;
  readonly sendSignal: (sealed: Uint8Array) => void;
  readonly log: Logger;
  readonly openStreamMs?: number;
  /** What it has of the machine's files; null: nothing. */
  readonly files: FileSettings | null;
  /** Files that went between its page and the machine. */
  readonly onFiles?: (files: MovedFiles) => void;
  /** Whose keys, clicks and pastes reach the machine. */
  readonly onTyped?: (accountUid: Uid) => void;
  /** How it may be shared; without them, not at all. */
  readonly terms?: SharedTerms;
  /** Of a guest's: the share by which they are in somebody else's session. */
  readonly shareUid?: Uid;
}

/** The page has this long from the answer to the stream: ICE over the worst path takes a third of it. */
const defaultOpenStreamMs = 30_000;
const unlimited: SessionLimits = { idleMs: 0, longestMs: 0 };

/** One session: a shell on one side, a stream of the page on the other, and the reason of its end. */
export class Session {
  readonly uid: Uid;
  readonly recordUid: Uid;
  readonly accountUid: Uid;
  readonly protocol: SessionProtocol;
  readonly startedAtMs = Date.now();
  readonly reporter: Reporter;
  /** Settles at once when the session is over, while the shell is still being left. */
  readonly ending: Promise<SessionEnd>;
  /** Settles when it goes on without its recording. */
  readonly recordingLost: Promise<void>;
  /** Settles when the session is over and the shell is left. */
  readonly ended: Promise<SessionEnd>;
  /** Settles later: when the page has taken the news in, or was given time to. */
  readonly departed: Promise<void>;
  /** Settles when no stream may come any more: one came, or the time for it has passed. Maybe after the end. */
  readonly streamDue: Promise<void>;
  readonly #options: Omit<SessionOptions, 'openShell'>;
  #openShell: SessionOptions['openShell'] | null; // it knows the credential: kept no longer than needed
  readonly #dropped: DroppedInstructions;
  readonly #clock: SessionClock;
  readonly #view: ShellView;
  readonly #abort = new AbortController();
  readonly #openDeadline: NodeJS.Timeout;
  #shell: Shell | null = null;
  readonly #files: SessionFiles;
  #stream: Stream | null = null;
  readonly #signals: SignalInbox;
  #unrecorded = false;
  #beginEnd: (end: SessionEnd) => void = () => {};
  #loseRecording: () => void = () => {};
  #finish: (end: SessionEnd) => void = () => {};
  #depart: () => void = () => {};
  #settleStream: () => void = () => {};
  #pageEnded = false;
  readonly #page: PagePresence;
  #end: SessionEnd | null = null;

  constructor({ openShell, ...options }: SessionOptions) {
    this.uid = options.uid;
    this.recordUid = options.recordUid;
    this.accountUid = options.accountUid;
    this.protocol = options.protocol;
    this.#options = options;
    this.#openShell = openShell;
    const { keys, sendSignal: send, begunAt, log } = options;
    this.#dropped = new DroppedInstructions(log);
    this.#files = new SessionFiles(options.files, log, () => this.#clock.used(), options.onFiles);
    this.reporter = new Reporter({ keys, send, begunAt, log });
    this.#signals = new SignalInbox({ keys, log, obey: (signal) => this.#obey(signal) });
    this.#clock = new SessionClock(options.limits ?? unlimited, {
      warn: (code, leftMs) => this.reporter.endingSoon(code, leftMs),
      end: (end) => this.end(end),
    });
    this.#view = new ShellView({
      onOpen: () => this.#opened(),
      onLatency: (ms) => this.reporter.targetRoundTrip(ms),
      onFailed: (end) => this.end(end),
    });
    this.ending = new Promise((resolve) => (this.#beginEnd = resolve));
    this.recordingLost = new Promise((resolve) => (this.#loseRecording = resolve));
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.departed = new Promise((resolve) => (this.#depart = resolve));
    this.streamDue = new Promise((resolve) => (this.#settleStream = resolve));
    const openMs = options.openStreamMs ?? defaultOpenStreamMs;
    this.#openDeadline = setTimeout(() => this.#noStream(ends.streamNotOpened), openMs);
    void options.peer.ended.then(() => this.#noStream(ends.peerLost));
    const { peer, graceMs } = options;
    this.#page = new PagePresence({
      ...{ peer, graceMs, onLate: () => this.end(ends.peerLost) },
      ...{ onAway: () => this.#pageIsAway(true), onBack: () => this.#pageIsAway(false) },
    });
  }

  get peer(): SessionPeer {
    return this.#options.peer;
  }

  get keys(): SessionKeys {
    return this.#options.keys;
  }

  get resumeKey(): Bytes | null {
    return this.#options.resumeKey;
  }

  /** What guests are told and held to; null: it has none. */
  get terms(): SharedTerms | null {
    return this.#options.terms ?? null;
  }

  /** Of a guest's: the share by which they are here. */
  get shareUid(): Uid | null {
    return this.#options.shareUid ?? null;
  }

  get graceMs(): number {
    return this.#options.graceMs;
  }

  /** What it shows, while it is open. */
  get shell(): Shell | null {
    return this.#end === null ? this.#shell : null;
  }

  /** It should be recorded, and is not any more. */
  get unrecorded(): boolean {
    return this.#unrecorded;
  }

  /** Somebody does something in it; whoever does more than to move a pointer by name. */
  used(by: Uid | null): void {
    this.#clock.used();
    if (by !== null) this.#options.onTyped?.(by);
  }

  /** Its page has lost its connection, and may come back. */
  get pageAway(): boolean {
    return this.#page.away;
  }

  /** Begins with guacd and target at once, while ICE is still at work. */
  start(): void {
    this.#reachShell().catch((error: unknown) => {
      if (error instanceof SessionFailure) return this.end(endOfFailure(error));
      this.#options.log.error('session failed', { err: error });
      this.end(ends.internal);
    });
  }

  /** The page's stream, whose token was right. One that comes after the end is told why there is nothing on it. */
  attach(stream: Stream): void {
    this.#awaitNoStream();
    this.reporter.use(stream);
    if (this.#end !== null) return this.#tellLate(stream, this.#end);
    this.#stream = stream;
    stream.onControl = ({ body }) => {
      if (body.case === 'stayConnected') this.#clock.used();
      if (body.case === 'soundWanted') this.#view.hear(body.value.wanted);
    };
    stream.onEnd = () => {
      this.#pageEnded = true;
      this.end(ends.closedByPage);
    };
    stream.onReset = () => this.end(ends.peerLost);
    this.#view.useStream(stream);
  }

  /** A stream of the page for files of the machine, whose token was right. */
  serveFile(stream: Stream, request: RemoteFileRequest): void {
    if (this.#end !== null) stream.reset('unavailable');
    else this.#files.serve(stream, request);
  }

  /** A sealed signal of the page, or what the router calls one. */
  receiveSignal(sealed: Uint8Array): void {
    if (this.#end === null) this.#signals.take(sealed);
  }

  /** Its recording gave up, for want of room or for another reason. Without one it ends when it must be recorded. */
  recordingFailed(required: boolean, noRoom = false): void {
    if (required) return this.end(noRoom ? ends.recordingNoRoom : ends.recordingFailed);
    if (this.#end !== null) return;
    this.#unrecorded = true;
    this.reporter.recordingStopped();
    this.#loseRecording();
  }

  /** The server has no room for its recording, which waits here; or has some again. */
  recordingWaits(waits: boolean): void {
    if (this.#end === null && !this.#unrecorded) this.reporter.recordingWaits(waits);
  }

  end(end: SessionEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#beginEnd(end);
    this.#openShell = null;
    this.#view.stop();
    this.#clock.stop();
    this.#page.sessionEnded();
    const { log } = this.#options;
    this.#dropped.sum();
    log.info('session ended', { code: end.code, reason: end.message, leg: Leg[end.leg], ms: this.#age });
    void this.#leave(end, this.#stream);
  }

  get #age(): number {
    return Math.round(performance.now() - this.#options.begunAt);
  }

  /** Everything waits in the stream while its page is away, up to what that holds; then the picture is drawn anew. */
  #pageIsAway(away: boolean): void {
    this.reporter.pageAway = away;
    this.#options.log.info(away ? 'page away' : 'page back');
  }

  #noStream(end: SessionEnd): void {
    this.end(end);
    this.#awaitNoStream();
  }

  #awaitNoStream(): void {
    clearTimeout(this.#openDeadline);
    this.#settleStream();
  }

  /** The signals that said so may still be on their way, and the page asks now. */
  #tellLate(stream: Stream, end: SessionEnd): void {
    stream.onData = (bytes) => stream.consumed(bytes.length);
    this.#options.log.info('stream came after the end', { code: end.code });
    void this.reporter.ended(end);
    this.#takeLeave(stream);
  }

  async #reachShell(): Promise<void> {
    const openShell = this.#openShell;
    this.#openShell = null;
    const shell = await openShell?.({
      signal: this.#abort.signal,
      onProgress: (leg, state) => this.reporter.progress(legOf[leg], state),
      onStalled: () => this.#view.stalled(),
      onInput: (done) => this.used(done ? this.accountUid : null),
      onRefused: (side, opcode) => this.#dropped.note(side, opcode),
    });
    if (shell === undefined || this.#end !== null) return void (await shell?.close());
    this.#shell = shell;
    this.#files.reach(shell);
    void shell.ended.then((failure) => this.end(endOfFailure(failure)));
    if (shell.trustedOnFirstUse && shell.hostKey !== null) this.reporter.hostKey(shell.hostKey, true);
    this.#view.useShell(shell);
  }

  #opened(): void {
    this.#options.log.info('session open', { ms: this.#age });
    this.#clock.start();
  }

  #obey({ body }: SessionSignal): void {
    if (body.case === 'candidate') this.peer.addCandidate(body.value.candidate, body.value.mid);
    else if (body.case === 'ended') this.end(ends.closedByPage);
    // Progress and host keys are ours to say.
  }

  async #leave(end: SessionEnd, stream: Stream | null): Promise<void> {
    const closed = this.#leaveShell(end);
    try {
      await this.reporter.ended(end);
      await closed;
    } catch (error) {
      this.#options.log.warn('session end failed', { err: error });
    }
    this.#finish(end);
    this.#takeLeave(stream);
  }

  /** At once, unless uploads that are not whole are to be taken away first. */
  async #leaveShell(end: SessionEnd): Promise<void> {
    if (this.#files.busy) await this.#files.leave(end === ends.peerLost);
    this.#files.tell();
    this.#abort.abort();
    await this.#shell?.close();
  }

  #takeLeave(stream: Stream | null): void {
    void takeLeave(stream, this.#pageEnded).then(() => this.#depart());
  }
}
