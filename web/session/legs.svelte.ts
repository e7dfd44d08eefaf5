import type { LegName } from '../../workers/api.ts';

const legOrder: readonly LegName[] = ['router', 'gateway', 'ice', 'guacd', 'jump', 'target', 'login'];
/** Most machines have none: it is there once something is heard of it. */
const seldom: LegName = 'jump';

export const legNames: Readonly<Record<LegName, string>> = {
  router: 'Router',
  gateway: 'Gateway',
  ice: 'Peer connection',
  guacd: 'guacd',
  jump: 'Jump machine',
  target: 'Target',
  login: 'Login',
};

/** As that leg went. */
export function legTitle(name: LegName, throughServer: boolean): string {
  return name === 'ice' && throughServer ? 'Through the server, no direct path' : legNames[name];
}

export interface Leg {
  readonly name: LegName;
  readonly state: 'waiting' | 'started' | 'done' | 'failed';
  /** How long it took, once it is over. */
  readonly elapsedMs: number | null;
}

/** The legs of one attempt, in the page's clock, with a performance mark each so that a benchmark can read them. */
export class LegTrail {
  legs = $state.raw<readonly Leg[]>(
    legOrder.filter((name) => name !== seldom).map((name) => ({ name, state: 'waiting', elapsedMs: null })),
  );
  /** There was no direct path to the gateway. */
  throughServer = $state(false);
  readonly startedAt = performance.now();
  readonly #begun: { [Name in LegName]?: number } = {};

  start(name: LegName): void {
    if (this.#state(name) !== 'waiting') return;
    this.#begun[name] = performance.now();
    this.#set(name, 'started');
  }

  done(name: LegName): void {
    const state = this.#state(name);
    if (state === 'waiting' || state === 'started') this.#set(name, 'done');
  }

  /** The leg that failed: the one named, else the one under way. */
  fail(name: LegName | null): LegName | null {
    const failed = name ?? this.legs.find(({ state }) => state === 'started')?.name ?? null;
    if (failed !== null) this.#set(failed, 'failed');
    return failed;
  }

  /** Everything is up: what was never reported took part in another leg. */
  complete(): void {
    for (const { name, state } of this.legs) if (state !== 'done') this.#set(name, 'done');
  }

  #state(name: LegName): Leg['state'] {
    return this.legs.find((leg) => leg.name === name)?.state ?? 'waiting';
  }

  #set(name: LegName, state: Leg['state']): void {
    const begun = this.#begun[name];
    const over = state === 'done' || state === 'failed';
    const elapsedMs = over && begun !== undefined ? performance.now() - begun : null;
    const changed = [...this.legs.filter((leg) => leg.name !== name), { name, state, elapsedMs }];
    this.legs = legOrder.flatMap((each) => changed.filter((leg) => leg.name === each));
    performance.mark(`sallyport:leg:${name}:${state}`);
  }
}
