import { concat } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { Remains } from '../../protocol/guacamole/surfaces.ts';
import { SessionFailure } from '../terminal/failure.ts';
import { BrowserFilter, type GuestPolicy, type OnInput } from './browser-filter.ts';
import type { GuacdConnection, GuacdPolicy, Viewer } from './connection.ts';

/** Where guests come in: a session of guacd's that somebody else leads. */
export interface GuestDoor {
  /** guacd has drawn something, or is over. */
  readonly begun: Promise<unknown>;
  /** Of the one who leads: what a guest missed while they were let in shows in it. */
  readonly drawn: () => number;
  readonly policy: GuacdPolicy;
  /** `former`: what the guest's page has by now. Throws a {@link SessionFailure} when guacd lets nobody in. */
  open(viewer: Viewer, guest: GuestPolicy, former: Remains | undefined): Promise<GuacdConnection>;
}

export interface GuestPictureOptions {
  readonly guest: GuestPolicy;
  /** They did something that reached the target. */
  readonly onInput: OnInput;
  readonly onRefused: (from: 'browser' | 'guacd', opcode: string) => void;
  /** Their page takes nothing: attach again when it does. */
  readonly onStalled: () => void;
  /** Sees what goes on to guacd. */
  readonly onTyped?: (instructions: Uint8Array) => void;
}

/** Joins of one viewer, as of a session's own. */
const mostJoins = 4;
/** A page that is too slow for the picture gets a whole screen no more often than this. */
const restMs = 250;

/**
 * The picture of a session for somebody who is a guest in it. guacd writes to all that look on before it goes on, and
 * slows down for the slowest: so a guest's connection to it is always read and answered here, and a page that takes
 * nothing is let go and joins anew.
 */
export class GuestPicture {
  /** Settles when guacd's side is over, or the guest said something that nobody may. */
  readonly ended: Promise<SessionFailure>;
  readonly #door: GuestDoor;
  readonly #options: GuestPictureOptions;
  readonly #filter: BrowserFilter;
  #guacd: GuacdConnection | null = null;
  #former: GuacdConnection | null = null; // that was shown last
  #viewer: Viewer | null = null;
  #sound = true;
  #joins = 0; // the newest is shown, and no other
  #joinedAt = -restMs;
  #over = false;
  #finish: (failure: SessionFailure) => void = () => {};

  constructor(door: GuestDoor, options: GuestPictureOptions) {
    this.#door = door;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.#filter = new BrowserFilter(
      { disablePaste: door.policy.disablePaste, guest: options.guest },
      (opcode) => options.onRefused('browser', opcode),
      options.onInput,
    );
  }

  /** The whole screen for this viewer, and what follows. Throws when guacd cannot be joined. */
  async attach(viewer: Viewer): Promise<void> {
    this.#viewer = viewer;
    const rest = this.#joinedAt + restMs - performance.now();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    await this.#join(viewer, mostJoins);
  }

  /** What the guest's page says, as far as a guest may. */
  write(fromBrowser: Uint8Array): boolean {
    if (this.#over) return true;
    try {
      const { forward, replies, disconnect } = this.#filter.filter(fromBrowser);
      for (const reply of replies) this.#viewer?.(reply);
      if (disconnect) this.#end(new SessionFailure('gateway', 'closed', 'the browser left the session'));
      return this.#pass(forward);
    } catch (error) {
      const why = error instanceof ProtocolError ? error.message : 'unreadable';
      this.#end(new SessionFailure('gateway', 'guacamole-malformed', `the browser sent nonsense: ${why}`));
      return true;
    }
  }

  /** Whether the guest is sent sound. */
  hear(wanted: boolean): void {
    this.#sound = wanted;
    this.#guacd?.hear(wanted);
  }

  async drained(): Promise<void> {
    await this.#guacd?.drained();
  }

  async close(): Promise<void> {
    this.#end(new SessionFailure('gateway', 'closed', 'the guest is out'));
    await this.ended;
  }

  /** The session that they are guests in is over, by whoever ended it. */
  hostLeft(): void {
    this.#end(new SessionFailure('gateway', 'host-left', 'the session is over'));
  }

  #pass(forward: readonly Uint8Array[]): boolean {
    if (forward.length === 0 || this.#guacd === null) return true;
    const instructions = concat(...forward);
    this.#options.onTyped?.(instructions);
    return this.#guacd.write(instructions);
  }

  /** As a session's own viewer joins: what was drawn before guacd counted the guest in comes by joining again. */
  async #join(viewer: Viewer, joinsLeft: number): Promise<void> {
    await this.#door.begun;
    if (this.#over) return;
    const before = this.#door.drawn();
    this.#joinedAt = performance.now();
    const number = ++this.#joins;
    const show: Viewer = (part) => this.#show(number, part);
    const joined = await this.#door.open(show, this.#options.guest, this.#former?.remains);
    if (this.#over || this.#viewer !== viewer || this.#joins !== number) return void joined.close();
    this.#use(joined);
    void joined.inSession.then(() => {
      const missed = this.#door.drawn() !== before;
      if (!missed || joinsLeft <= 1 || this.#guacd !== joined) return;
      // Most of the screen is better than none.
      this.#join(viewer, joinsLeft - 1).catch(() => (this.#joins = number));
    });
  }

  #use(joined: GuacdConnection): void {
    const old = this.#guacd;
    joined.hear(this.#sound);
    this.#guacd = this.#former = joined;
    void old?.close();
    void joined.ended.then((failure) => {
      if (this.#guacd !== joined) return;
      // guacd says goodbye to all when its session is over.
      if (failure.code === 'closed') this.hostLeft();
      else this.#end(failure);
    });
  }

  /** Never a reason for guacd to wait. */
  #show(join: number, part: Uint8Array): boolean {
    if (this.#joins === join && this.#viewer?.(part) === false) this.#letGo();
    return true;
  }

  #letGo(): void {
    this.#leave();
    this.#options.onStalled();
  }

  /** No key of theirs stays down for who goes on: nobody else can let go of it. */
  #leave(): void {
    this.#pass(this.#filter.releaseKeys());
    const left = this.#guacd;
    this.#guacd = null;
    this.#viewer = null;
    void left?.close();
  }

  #end(failure: SessionFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    this.#finish(failure);
  }
}
