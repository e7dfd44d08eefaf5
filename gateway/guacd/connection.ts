import { ProtocolError } from '../../protocol/errors.ts';
import { concat } from '../../protocol/bytes.ts';
import type { Instruction } from '../../protocol/guacamole/instruction.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { PictureFilter } from '../../protocol/guacamole/picture-filter.ts';
import type { Remains } from '../../protocol/guacamole/surfaces.ts';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import { BrowserFilter, type OnInput } from './browser-filter.ts';
import { shakeHands } from './handshake.ts';
import type { HandshakeOptions } from './handshake.ts';
import { InstructionSocket } from './instruction-socket.ts';
import { failureOfStatus } from './status.ts';
import { DrawingWatch } from './drawing-watch.ts';
import { TerminalChanges, type HoldOutput } from './terminal-changes.ts';
import { defaultTiming } from './timing.ts';
import type { GuacdTiming } from './timing.ts';

/** Takes the picture. False: no more, please, until {@link GuacdConnection.resume}. */
export type Viewer = (instructions: Uint8Array) => boolean;

export interface GuacdPolicy {
  readonly disableCopy: boolean;
  readonly disablePaste: boolean;
}

export interface GuacdOptions extends HandshakeOptions {
  readonly host: string;
  readonly port: number;
  readonly policy: GuacdPolicy;
  /** Sees the picture from its first instruction. Without one it is lost until `attach`. */
  readonly viewer?: Viewer;
  /** What the viewer has of a connection before this one; the numbers of its layers mean other things here. */
  readonly former?: Remains;
  /** What guacd may be told when it asks for more ("password" …), each once. */
  readonly answers?: Readonly<Record<string, string>>;
  /** Sees what may go to a viewer, whole instructions, before any does; without a viewer too. */
  readonly tee?: (instructions: readonly Uint8Array[]) => void;
  readonly signal: AbortSignal;
  readonly timing?: Partial<GuacdTiming>;
  /** The gateway answers `sync` whoever looks on: the session does not wait for this viewer. */
  readonly answersSync?: boolean;
  /**
   * The picture is a desktop's, and comes without delay. What a terminal draws goes on as before: the pauses by which
   * {@link DrawingWatch} sees that it has drawn all were measured so.
   */
  readonly desktop?: boolean;
  /** Of a terminal: holds back what it is given to draw while one of its settings changes. */
  readonly holdOutput?: HoldOutput;
  /** A viewer that took nothing for too long was let go; it must attach anew, to a new connection. */
  readonly onStalled?: () => void;
  /** The browser passed on what a person did. */
  readonly onInput?: OnInput;
  /** An opcode was dropped, by whose fault: for the log. */
  readonly onRefused?: (from: 'browser' | 'guacd', opcode: string) => void;
}

/** What a connection goes on with after the handshake: neither parameters nor answers, which have the login. */
type Kept = Pick<
  GuacdOptions,
  'policy' | 'tee' | 'signal' | 'answersSync' | 'onStalled' | 'onInput' | 'onRefused'
>;

/** Connects to guacd and runs the handshake. Throws a {@link SessionFailure} that names its leg. */
export async function openGuacd(options: GuacdOptions): Promise<GuacdConnection> {
  const timing = { ...defaultTiming, ...options.timing };
  const late = () => new SessionFailure('guacd', 'guacd-timed-out', 'guacd accepts no connection');
  const connect = (signal: AbortSignal) => InstructionSocket.connect(options.host, options.port, signal);
  const socket = await withDeadline(timing.connectMs, options.signal, late, connect);
  try {
    const id = await shakeHands(socket, options, timing.answerMs, options.signal);
    return new GuacdConnection(socket, id, options, timing);
  } catch (error) {
    socket.send('disconnect');
    socket.close(timing.closeMs);
    throw options.signal.aborted ? new SessionFailure('guacd', 'cancelled') : error;
  }
}

/** guacd has room for 64 streams of a client; a page opens them from 0 on. */
const ownStreams = 56;
const mostAnswers = 8;
/** They change nothing of the picture. */
const unseen: ReadonlySet<string> = new Set(['sync', 'ack', 'mouse', 'clipboard']);

/**
 * One connection to guacd after the handshake. With a viewer the browser paces it; without one it reads on,
 * answers `sync` in the browser's stead and forgets the picture (which a later join gets whole from guacd).
 */
export class GuacdConnection {
  /** guacd's name of the session, by which another connection can join it. */
  readonly id: string;
  /** Settles when the connection is over, whoever ended it. */
  readonly ended: Promise<SessionFailure>;
  /** Settles with the first `sync`: guacd counts this connection among the session's. Never, when it ends before. */
  readonly inSession: Promise<void>;
  /**
   * Settles when a frame is whole and its screen has no size. guacd 1.3.0 begins to draw, in a thread of its own, before it
   * counts whoever began the session among its users: what it says meanwhile, first of all the size, it says to nobody.
   */
  readonly unsized: Promise<void>;
  readonly #socket: InstructionSocket;
  readonly #timing: GuacdTiming;
  readonly #options: Kept;
  readonly #keepAlive: NodeJS.Timeout;
  readonly #fromTarget: PictureFilter;
  readonly #drawing: DrawingWatch;
  readonly #changes: TerminalChanges;
  #fromBrowser: BrowserFilter;
  #viewer: Viewer | null;
  #leftWith: Remains | null = null; // of a viewer that is gone
  #stallTimer: NodeJS.Timeout | null = null;
  #finish: (failure: SessionFailure) => void = () => {};
  #synced: () => void = () => {};
  #foundUnsized: () => void = () => {};
  #over = false;
  #writtenBefore = 0;
  #drawn = 0;
  #answers: Record<string, string>;

  constructor(socket: InstructionSocket, id: string, options: GuacdOptions, timing: GuacdTiming) {
    this.id = id;
    this.#socket = socket;
    const { policy, tee, signal, onStalled, onInput, onRefused } = options;
    this.#options = {
      ...{ policy, signal, answersSync: options.answersSync === true },
      ...(tee && { tee }),
      ...(onStalled && { onStalled }),
      ...(onInput && { onInput }),
      ...(onRefused && { onRefused }),
    };
    this.#timing = timing;
    this.#viewer = options.viewer ?? null;
    this.#answers = { ...options.answers };
    const { former, audio = [] } = options;
    const shown = { ...policy, sound: audio.length > 0, ...(former && { screen: former.screen }) };
    this.#fromTarget = new PictureFilter(shown, (opcode) => onRefused?.('guacd', opcode));
    this.#fromBrowser = this.#newBrowserFilter();
    this.#drawing = new DrawingWatch(timing.quietMs);
    this.#changes = new TerminalChanges({
      send: (instructions) => socket.write(instructions),
      ...{ quiet: (atMostMs) => this.#drawing.quiet(atMostMs), changeMs: timing.changeMs },
      ...(options.holdOutput && { holdOutput: options.holdOutput }),
    });
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.inSession = new Promise((resolve) => (this.#synced = resolve));
    this.unsized = new Promise((resolve) => (this.#foundUnsized = resolve));
    this.#keepAlive = setInterval(() => this.#stayHeard(), timing.keepAliveMs);
    void socket.closed.then((failure) => this.#end(failure));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#show((former?.layers ?? []).map((layer) => encodeInstructionBytes('dispose', layer)));
    if (options.desktop === true) socket.acknowledge();
    socket.receive((batch) => this.#take(batch));
  }

  /** Instructions of the picture so far. */
  get drawn(): number {
    return this.#drawn;
  }

  /** What its viewer has of it, or the last one had: what went on since then, nobody saw. */
  get remains(): Remains {
    return this.#leftWith ?? this.#fromTarget.remains;
  }

  shows(viewer: Viewer): boolean {
    return this.#viewer === viewer;
  }

  /** From now on this viewer gets the picture, from the next instruction on. */
  attach(viewer: Viewer): void {
    this.#fromBrowser = this.#newBrowserFilter();
    this.#viewer = viewer;
    this.#leftWith = null;
    this.resume();
  }

  /** Goes on without a viewer. */
  detach(): void {
    if (this.#viewer) this.#leftWith = this.#fromTarget.remains;
    this.#viewer = null;
    this.resume();
  }

  /** Whether its viewer is sent sound, where there is any. */
  hear(wanted: boolean): void {
    this.#fromTarget.silent = !wanted;
  }

  /** The viewer has room again. */
  resume(): void {
    if (this.#stallTimer) this.#drawing.deaf = false;
    clearTimeout(this.#stallTimer ?? undefined);
    this.#stallTimer = null;
    if (!this.#over) this.#socket.resume();
  }

  /**
   * Passes on what the browser says, as far as it is allowed to. False: wait for `drained`. A malformed stream
   * ends the connection.
   */
  write(fromBrowser: Uint8Array): boolean {
    if (this.#over) return true;
    try {
      const { forward, changes, replies, disconnect } = this.#fromBrowser.filter(fromBrowser);
      for (const change of changes) this.#changes.make(change);
      if (replies.length > 0) this.#show(replies);
      const room = forward.length === 0 || this.#socket.write(concat(...forward));
      if (disconnect) this.#end(new SessionFailure('gateway', 'closed', 'the browser ended the session'));
      return room;
    } catch (error) {
      const why = error instanceof ProtocolError ? error.message : 'unreadable';
      this.#end(new SessionFailure('gateway', 'guacamole-malformed', `the browser sent nonsense: ${why}`));
      return true;
    }
  }

  /** Settles when guacd's terminal has drawn what its target wrote last, as far as that can be seen; after 30 s at most. */
  lastWordsDrawn(): Promise<void> {
    return this.#drawing.quiet(this.#timing.lastWordsMs);
  }

  /** Settles when guacd has room for more input, or is gone. */
  drained(): Promise<void> {
    return this.#socket.drained();
  }

  /** Tells guacd to end, then closes the socket, which guacd would not do by itself. */
  async close(): Promise<void> {
    this.#end(new SessionFailure('gateway', 'closed', 'the gateway ended the session'));
    await this.#socket.closed;
  }

  readonly #onAbort = () => this.#end(new SessionFailure('gateway', 'cancelled'));

  #newBrowserFilter(): BrowserFilter {
    const { policy, onInput, onRefused } = this.#options;
    return new BrowserFilter(policy, (opcode) => onRefused?.('browser', opcode), onInput);
  }

  #take(batch: readonly Instruction[]): void {
    if (this.#over) return;
    this.#drawing.hear(batch);
    this.#changes.hear(batch);
    const pictures = batch.filter((instruction) => !this.#handles(instruction));
    if (this.#over) return;
    const { forward, picture, sounds, replies } = this.#fromTarget.filter(pictures);
    this.#drawn += pictures.filter(({ opcode }) => !unseen.has(opcode)).length - sounds;
    if (replies.length > 0) this.#socket.write(concat(...replies));
    if (picture.length > 0) this.#options.tee?.(picture);
    if (forward.length === 0) return;
    this.#show(forward);
    if (this.#fromTarget.unsized && pictures.some(({ opcode }) => opcode === 'sync')) this.#foundUnsized();
  }

  /** What is for the gateway itself. */
  #handles({ opcode, args }: Instruction): boolean {
    if (opcode === 'sync') this.#keepUp(args[0] ?? '0');
    else if (opcode === 'error') this.#end(failureOfStatus(args[1]));
    else if (opcode === 'disconnect')
      this.#end(new SessionFailure('target', 'closed', 'the session has ended'));
    else if (opcode === 'required') this.#answer(args);
    return opcode === 'nop' || opcode === 'error' || opcode === 'disconnect' || opcode === 'required';
  }

  /** Stream numbers of our own, above any that a browser's page gives. */
  #answer(names: readonly string[]): void {
    const answers = names.map((name) =>
      Object.hasOwn(this.#answers, name) ? this.#answers[name] : undefined,
    );
    if (names.length === 0 || names.length > mostAnswers || answers.includes(undefined))
      return this.#end(new SessionFailure('login', 'credential-needed', 'the target asks for a login'));
    this.#answers = {}; // asked again: they were wrong
    names.forEach((name, at) => {
      const stream = ownStreams + at;
      this.#socket.send('argv', stream, 'text/plain', name);
      this.#socket.send('blob', stream, Buffer.from(answers[at] ?? '', 'utf8').toString('base64'));
      this.#socket.send('end', stream);
    });
  }

  #keepUp(timestamp: string): void {
    this.#synced();
    if (this.#drawn > 0) this.#answers = {}; // the login is over
    if (!this.#viewer || this.#options.answersSync) this.#socket.send('sync', timestamp);
  }

  #show(instructions: readonly Uint8Array[]): void {
    if (!this.#viewer || instructions.length === 0) return;
    const room = this.#viewer(concat(...instructions));
    if (room || this.#stallTimer || !this.#viewer) return;
    this.#socket.pause();
    this.#drawing.deaf = true;
    this.#stallTimer = setTimeout(() => this.#letGo(), this.#timing.stallMs);
  }

  #letGo(): void {
    this.detach();
    this.#options.onStalled?.();
  }

  #stayHeard(): void {
    if (this.#socket.written === this.#writtenBefore) this.#socket.send('nop');
    this.#writtenBefore = this.#socket.written;
  }

  #end(failure: SessionFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#viewer = null;
    clearInterval(this.#keepAlive);
    this.#changes.close();
    this.#drawing.close();
    if (this.#stallTimer) clearTimeout(this.#stallTimer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#socket.send('disconnect');
    this.#socket.close(this.#timing.closeMs);
    this.#finish(failure);
  }
}
