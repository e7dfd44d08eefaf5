import { handlesOf } from './memory-watch.ts';
import type { SoakHouse } from './soak-house.ts';
import { SoakPage } from './soak-page.ts';
import { openSoakSession, type SoakSession } from './soak-session.ts';

const handlesBackMs = 60_000;
/** Sockets that a process may keep for a while by itself. */
const mostHandlesMore = 4;

export interface SoakTotals {
  readonly sessions: number;
  readonly bytes: number;
  readonly instructions: number;
  readonly pictures: number;
  readonly lines: number;
  readonly resumed: number;
}

/** Many SSH sessions on one gateway, and what went wrong with them. */
export class Soak {
  readonly sessions: readonly SoakSession[];
  readonly #house: SoakHouse;
  readonly #pages: readonly SoakPage[];
  readonly #handles: ReadonlyMap<number, number>;
  readonly #names: ReadonlyMap<number, string>;
  #nextCut = 0;

  private constructor(
    house: SoakHouse,
    pages: readonly SoakPage[],
    sessions: readonly SoakSession[],
    handles: ReadonlyMap<number, number>,
  ) {
    this.#house = house;
    this.#pages = pages;
    this.sessions = sessions;
    this.#handles = handles;
    this.#names = new Map([
      [house.gateway.pid, 'gateway'],
      [house.server.pid, 'server'],
    ]);
  }

  /** Opens them one after another, so many on the peer connection of each page. */
  static async open(house: SoakHouse, count: number, ofAPage: number): Promise<Soak> {
    const handles = new Map([house.gateway.pid, house.server.pid].map((pid) => [pid, handlesOf(pid)]));
    const pages: SoakPage[] = [];
    const sessions: SoakSession[] = [];
    for (let at = 0; at < count; at++) {
      if (at % ofAPage === 0) pages.push(new SoakPage(house.engine));
      const stream = await pages.at(-1)?.open(house.machineUid);
      if (stream) sessions.push(await openSoakSession(stream, house.target, at));
    }
    return new Soak(house, pages, sessions, handles);
  }

  typeLines(): void {
    for (const session of this.sessions) session.typeLine();
  }

  /** One page after another loses its connection and comes back. */
  async cutNext(): Promise<void> {
    await this.#pages[this.#nextCut++ % this.#pages.length]?.cut();
  }

  get totals(): SoakTotals {
    const sum = (of: (session: SoakSession) => number) =>
      this.sessions.reduce((total, session) => total + of(session), 0);
    return {
      sessions: this.sessions.length,
      bytes: sum(({ bytes }) => bytes),
      instructions: sum(({ instructions }) => instructions),
      pictures: sum(({ pictures }) => pictures),
      lines: sum(({ typed }) => typed),
      resumed: this.#pages.reduce((total, { resumed }) => total + resumed, 0),
    };
  }

  /** Waits for all that is under way, and ends the sessions. Every fault that was seen, in words. */
  async finish(): Promise<readonly string[]> {
    const faults: string[] = [];
    for (const page of this.#pages) await page.back();
    for (const session of this.sessions) faults.push(...(await session.finish(this.#house.target)));
    faults.push(...this.#pages.flatMap((page) => page.faults));
    this.close();
    for (const [pid, before] of this.#handles) faults.push(...(await this.#comeBack(pid, before)));
    return faults;
  }

  close(): void {
    for (const page of this.#pages) page.close();
  }

  /** Sockets and files are closed once nobody needs them. */
  async #comeBack(pid: number, before: number): Promise<string[]> {
    const most = before + mostHandlesMore;
    const end = performance.now() + handlesBackMs;
    while (handlesOf(pid) > most && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 250));
    const now = handlesOf(pid);
    return now > most ? [`${this.#names.get(pid)} keeps ${now} handles of ${before} before`] : [];
  }
}
