import type { SessionFailure } from '../terminal/failure.ts';
import { openGuacd } from './connection.ts';
import type { GuacdConnection, GuacdOptions, Viewer } from './connection.ts';
import { GuestPicture, type GuestPictureOptions } from './guest-picture.ts';
import { HeldPicture } from './held-picture.ts';
import { leaseGuacd, type GuacdPlace, type LeasedGuacd } from './lease.ts';
import { RecordedPicture, type PictureTap } from './recorded-picture.ts';
import { defaultTiming } from './timing.ts';

export type PictureOptions = Omit<GuacdOptions, 'viewer' | 'tee' | 'host' | 'port'> & {
  readonly guacd: GuacdPlace;
  /** Sees everything of the picture, viewer or none. */
  readonly recorder?: PictureTap;
};

/** What a join needs: not what the login needed. */
type JoinOptions = Omit<GuacdOptions, 'viewer' | 'tee' | 'select' | 'parameters' | 'answers'>;

/** Protocols that bring a desktop; the others' terminals guacd draws itself. */
const desktops: ReadonlySet<string> = new Set(['rdp', 'vnc']);

/** Joins of one viewer. What a screen that never rests lost of one moment, its next one shows. */
const mostJoins = 4;

/** Starts a session of guacd's. Throws a {@link SessionFailure} that names its leg. */
export async function openPicture(options: PictureOptions): Promise<Picture> {
  const { guacd: place, signal, timing } = options;
  const lease = await leaseGuacd(place, timing?.connectMs ?? defaultTiming.connectMs, signal);
  try {
    return await openLeased(lease, options);
  } catch (error) {
    lease.release();
    throw error;
  }
}

async function openLeased(lease: LeasedGuacd, options: PictureOptions): Promise<Picture> {
  const { guacd: _place, recorder, select, parameters, answers, ...kept } = options;
  const desktop = 'protocol' in select && desktops.has(select.protocol);
  const joins = { ...kept, desktop, host: lease.host, port: lease.port };
  const held = new HeldPicture();
  const onStalled = () => (held.waiting ? held.drop() : joins.onStalled?.());
  const recorded = new RecordedPicture(recorder ?? null);
  const login = { select, parameters, ...(answers && { answers }) };
  const guacd = await openGuacd({ ...joins, ...login, ...recorded.tee(), viewer: held.take, onStalled });
  const picture = new Picture(guacd, { held, recorded }, joins);
  void picture.ended.then(() => lease.release());
  return picture;
}

/** What guacd draws, for one viewer after another: held until the first one comes, and drawn anew for each later one. */
export class Picture {
  /** Settles when guacd's side of the session is over. */
  readonly ended: Promise<SessionFailure>;
  readonly #options: JoinOptions;
  readonly #held: HeldPicture;
  readonly #recorded: RecordedPicture;
  /** guacd has drawn something, or is over. */
  readonly #begun: Promise<unknown>;
  #guacd: GuacdConnection;
  #viewer: Viewer | null = null;
  #sound = true;
  #finish: (failure: SessionFailure) => void = () => {};
  #over = false;

  constructor(
    guacd: GuacdConnection,
    { held, recorded }: { readonly held: HeldPicture; readonly recorded: RecordedPicture },
    options: JoinOptions,
  ) {
    this.#guacd = guacd;
    this.#held = held;
    this.#recorded = recorded;
    this.#options = options;
    this.#begun = Promise.race([guacd.inSession, guacd.ended]);
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.#watch(guacd);
    // Whoever joins is given the whole screen first, so only the first connection can miss its size.
    void guacd.unsized.then(() => this.#lookAnew(guacd));
  }

  /**
   * Shows the session to this viewer, whole: the first one gets what was held for it, a later one gets the present screen
   * from guacd. Replaces the viewer before. Throws when guacd cannot be joined.
   */
  async attach(viewer: Viewer): Promise<void> {
    this.#viewer = viewer;
    const held = this.#held.release();
    if (held === null) return this.#join(viewer, mostJoins);
    this.#guacd.attach(viewer);
    for (const part of held) viewer(part);
  }

  /** Goes on without a browser. */
  detach(): void {
    this.#viewer = null;
    this.#held.drop();
    this.#guacd.detach();
  }

  /** Whether its viewer is sent sound, this one and those after it. */
  hear(wanted: boolean): void {
    this.#sound = wanted;
    this.#guacd.hear(wanted);
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

  /** Settles when what a target that has ended wrote last is drawn, for a page that comes back meanwhile, too. */
  async lastWordsDrawn(): Promise<void> {
    for (let asked: GuacdConnection | null = null; asked !== this.#guacd;) {
      asked = this.#guacd;
      await asked.lastWordsDrawn();
    }
  }

  /** For somebody else, who sees what the viewer sees. They come and go, and end with the session. */
  welcome(options: GuestPictureOptions): GuestPicture {
    const { policy, onStalled: _stalled, onInput: _input, onRefused, ...joins } = this.#options;
    const guest = new GuestPicture(
      {
        ...{ begun: this.#begun, policy, drawn: () => this.#guacd.drawn },
        open: (viewer, { typing }, former) => {
          const parameters = { 'read-only': String(!typing) };
          const seen = { viewer, answersSync: true, ...(onRefused && { onRefused }) };
          const select = { join: this.#guacd.id };
          return openGuacd({ ...joins, policy, select, parameters, ...(former && { former }), ...seen });
        },
      },
      options,
    );
    // guacd lets whoever joined go on without the one who began.
    void this.ended.then(() => guest.hostLeft());
    return guest;
  }

  async close(): Promise<void> {
    this.#over = true;
    await this.#guacd.close();
  }

  /**
   * guacd gives whoever joins the whole screen, and counts them in a moment later: what it draws in between they never
   * see. So the old connection looks on until the new one is counted in, and when it saw something meanwhile, the viewer
   * joins again.
   */
  async #join(viewer: Viewer, joinsLeft: number): Promise<void> {
    const old = this.#guacd;
    if (old.drawn === 0) return old.attach(viewer); // nothing was missed
    // guacd 1.3.0 that is joined before its first picture stands still for good, for everybody (4 of 5 VNC sessions).
    await this.#begun;
    const drawnBefore = old.drawn;
    const onStalled = () => this.#options.onStalled?.();
    const select = { join: old.id };
    const seen = { viewer, onStalled, former: old.remains, ...this.#recorded.tee() };
    const joined = await openGuacd({ ...this.#options, select, parameters: {}, ...seen });
    if (this.#over) return void joined.close();
    joined.hear(this.#sound);
    this.#guacd = joined;
    this.#watch(joined);
    void joined.inSession.then(() => {
      const missed = old.drawn !== drawnBefore;
      void old.close();
      if (missed && joinsLeft > 1) this.#joinAgain(joined, viewer, joinsLeft - 1);
    });
  }

  /** What was drawn has a hole that no later frame fills: the screen must come from guacd as a whole. */
  #lookAnew(guacd: GuacdConnection): void {
    if (this.#viewer === null) return this.detach();
    this.#joinAgain(guacd, this.#viewer, mostJoins);
  }

  #joinAgain(joined: GuacdConnection, viewer: Viewer, joinsLeft: number): void {
    if (this.#over || this.#guacd !== joined || !joined.shows(viewer)) return;
    joined.detach();
    this.#join(viewer, joinsLeft).catch(() => joined.attach(viewer)); // most of the screen is better than none
  }

  #watch(guacd: GuacdConnection): void {
    void guacd.ended.then((failure) => {
      if (guacd === this.#guacd) this.#finish(failure);
    });
  }
}
