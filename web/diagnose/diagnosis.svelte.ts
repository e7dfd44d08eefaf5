import { ProtocolError } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { DetourOffer, IceServer, VaultVerbs } from '../../workers/api.ts';
import type { IceFound, IceSearch } from './ice-search.ts';
import {
  diagnosedLegNames,
  diagnosedLegs,
  reportText,
  type DiagnosedLegName,
  type LegResult,
  type ShownLeg,
} from './leg-names.ts';
import { beyond, beyondResult, describePaths, failureResult, noRelay, refusedDetour } from './leg-results.ts';
import { relayLegsOf, relayResult, stunServersOf, type RelayLeg } from './relay-legs.ts';

export interface DiagnosisParts {
  readonly verbs: Pick<VaultVerbs, 'iceServers' | 'diagnoseMachine'>;
  /** Rejects when the server does not answer. */
  readonly askServer: (signal: AbortSignal) => Promise<void>;
  readonly searchPaths: (search: IceSearch, signal: AbortSignal) => Promise<IceFound>;
  /** Rejects when it does not come about. */
  readonly tryDetour: (detourUid: Uid, signal: AbortSignal) => Promise<void>;
}

/** What nobody learns without the router. */
const unrouted = ['udp', 'relay', 'gateway', 'detour', ...beyond] as const;

type Results = Readonly<Record<DiagnosedLegName, LegResult>>;

/** Tests each leg of a session on one machine, those that do not need each other at once. */
export class Diagnosis {
  results: Results = $state.raw(everyLeg({ state: 'waiting' }));
  /** One for each address of a relay, once the server has named them. */
  relays: readonly ShownLeg[] = $state.raw([]);
  running = $state(false);
  readonly #parts: DiagnosisParts;
  readonly #recordUid: Uid;
  #stop = new AbortController();

  constructor(parts: DiagnosisParts, recordUid: Uid) {
    this.#parts = parts;
    this.#recordUid = recordUid;
  }

  /** In the order in which each needs the ones before. */
  get legs(): readonly ShownLeg[] {
    const { results, relays } = this;
    return diagnosedLegs.flatMap((id) =>
      id === 'relay' && relays.length > 0
        ? relays
        : [{ id, name: diagnosedLegNames[id], result: results[id] }],
    );
  }

  get report(): string {
    return reportText(this.legs, Date.now());
  }

  /** Never rejects: whatever happens is a result. */
  async run(): Promise<void> {
    this.#stop.abort();
    const stop = (this.#stop = new AbortController());
    this.results = everyLeg({ state: 'waiting' });
    this.relays = [];
    this.running = true;
    await this.#everything(stop.signal);
    if (this.#stop === stop) this.running = false;
  }

  /** What has no result by now gets none. */
  cancel(): void {
    this.#stop.abort();
    this.running = false;
    for (const { id, result } of this.legs)
      if (['waiting', 'running'].includes(result.state)) this.#set(id, { state: 'cancelled' });
  }

  async #everything(signal: AbortSignal): Promise<void> {
    const { verbs, askServer } = this.#parts;
    const server = await this.#test(
      signal,
      'server',
      () => askServer(signal),
      () => 'answers',
    );
    if (server === null) return this.#notReached(signal, 'server', ['router', ...unrouted]);
    const servers = await this.#test(
      signal,
      'router',
      () => verbs.iceServers(),
      () => 'answers',
    );
    if (servers === null) return this.#notReached(signal, 'router', unrouted);
    if (signal.aborted) return; // the gateway is not asked for nobody
    await Promise.all([this.#paths(servers, signal), this.#gateway(signal)]);
  }

  /** By UDP, and by each relay: none of them needs the others. */
  async #paths(servers: readonly IceServer[], signal: AbortSignal): Promise<void> {
    const relays = relayLegsOf(servers);
    if (relays.length === 0) this.#say(signal, 'relay', noRelay);
    this.relays = relays.map(({ id, name, address }) => ({
      id,
      name,
      address,
      result: { state: 'running' },
    }));
    const search = () => this.#search(stunServersOf(servers), signal);
    await Promise.all([
      this.#test(signal, 'udp', search, describePaths),
      ...relays.map((relay) => this.#relay(relay, signal)),
    ]);
  }

  async #search(servers: readonly IceServer[], signal: AbortSignal): Promise<IceFound> {
    const found = await this.#parts.searchPaths({ servers, policy: 'all' }, signal);
    if (found.host + found.reflexive === 0) throw new ProtocolError('unavailable', 'no candidate at all');
    return found;
  }

  async #relay(relay: RelayLeg, signal: AbortSignal): Promise<void> {
    const begunAt = performance.now();
    const result = await this.#parts.searchPaths({ servers: [relay.server], policy: 'relay' }, signal).then(
      (found) => relayResult(relay, found, performance.now() - begunAt),
      (error: unknown) => failureResult('relay', error, performance.now() - begunAt),
    );
    this.#say(signal, relay.id, result);
  }

  /** One signed command: its answer is the gateway's own leg too. */
  async #gateway(signal: AbortSignal): Promise<void> {
    const { verbs } = this.#parts;
    for (const leg of beyond) this.#say(signal, leg, { state: 'running' });
    const found = await this.#test(
      signal,
      'gateway',
      () => verbs.diagnoseMachine(this.#recordUid),
      () => 'online, and its answer is signed',
    );
    if (found === null) return this.#notReached(signal, 'gateway', ['detour', ...beyond]);
    for (const leg of beyond) this.#say(signal, leg, beyondResult(leg, found.legs));
    if (!signal.aborted) await this.#detour(found.detour, signal);
  }

  async #detour(detour: DetourOffer, signal: AbortSignal): Promise<void> {
    if ('refusedBy' in detour) return this.#say(signal, 'detour', refusedDetour(detour.refusedBy));
    const attempt = () => this.#parts.tryDetour(detour.detourUid, signal);
    await this.#test(signal, 'detour', attempt, () => 'comes about');
  }

  /** The value, or null when the leg failed: then that is said. */
  async #test<Value>(
    signal: AbortSignal,
    leg: DiagnosedLegName,
    attempt: () => Promise<Value>,
    describe: (value: Value) => string,
  ): Promise<Value | null> {
    this.#say(signal, leg, { state: 'running' });
    const begunAt = performance.now();
    try {
      const value = await attempt();
      this.#say(signal, leg, { state: 'ok', note: describe(value), tookMs: performance.now() - begunAt });
      return value;
    } catch (error) {
      this.#say(signal, leg, failureResult(leg, error, performance.now() - begunAt));
      return null;
    }
  }

  #notReached(signal: AbortSignal, because: DiagnosedLegName, legs: readonly DiagnosedLegName[]): void {
    for (const leg of legs) this.#say(signal, leg, { state: 'not-reached', because });
  }

  /** A run that was cancelled or begun anew says nothing any more. */
  #say(signal: AbortSignal, leg: ShownLeg['id'], result: LegResult): void {
    if (!signal.aborted) this.#set(leg, result);
  }

  #set(id: ShownLeg['id'], result: LegResult): void {
    if (Object.hasOwn(this.results, id)) this.results = { ...this.results, [id]: result };
    else this.relays = this.relays.map((leg) => (leg.id === id ? { ...leg, result } : leg));
  }
}

function everyLeg(result: LegResult): Results {
  return {
    ...{ server: result, router: result, udp: result, relay: result },
    ...{ gateway: result, detour: result, guacd: result, jump: result, target: result },
  };
}
