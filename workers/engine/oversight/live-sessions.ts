import type {
  EndLiveSession,
  LiveGateway,
  LiveSession,
  SessionStarted,
  TaskView,
  WatchSession,
} from '../../api.ts';
import { parseBase64url, wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { OversightService, type OverseenGateway } from '../../../protocol/messages/gen/session-policy_pb.js';
import { findMember, type RosterMember } from '../../../protocol/signed/roster.ts';
import { mayEndSessions } from '../../../protocol/signed/session-policy.ts';
import { newUid, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { Gateways } from '../gateways/gateways.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { mayWatch, type SessionPolicies, type TrustedGateway } from './session-policies.ts';

export interface LiveSessionsParts {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly policies: Pick<SessionPolicies, 'trust'>;
  readonly gateways: Pick<Gateways, 'pinnedKey'>;
  readonly commands: Pick<GatewayCommands, 'tasksOf' | 'endSession' | 'watchSession'>;
  readonly sessions: Pick<Sessions, 'join'>;
  readonly titleOf: (recordUid: Uid) => string;
  readonly onChanged: () => void;
}

/** Gateways that are asked at once: each question is a command, of which the router takes so many. */
const askedAtOnce = 8;

const silence = {
  ...{ failure: null, mayWatch: false, mayEnd: false, silent: false, sessions: [] as readonly LiveSession[] },
};

/** What runs over all gateways of the organisation, each asked again when the server hints that something changed there. */
export class LiveSessions {
  readonly #parts: LiveSessionsParts;
  readonly #known = new Map<Uid, LiveGateway>();
  readonly #believed = new Map<Uid, TrustedGateway>();
  /** Something is new of them. */
  readonly #stale = new Set<Uid>();

  constructor(parts: LiveSessionsParts) {
    this.#parts = parts;
  }

  /** Gateways that nothing is new of are not asked again. */
  async list(): Promise<readonly LiveGateway[]> {
    const { gateways } = await this.#parts.session.call(OversightService.method.listOverseenGateways, {});
    const there = new Set(gateways.map(({ gatewayUid }) => uidOf(gatewayUid)));
    for (const uid of this.#known.keys()) if (!there.has(uid)) this.#known.delete(uid);
    const asked = gateways.filter((one) => this.#isStale(one));
    for (let at = 0; at < asked.length; at += askedAtOnce)
      await Promise.all(asked.slice(at, at + askedAtOnce).map((one) => this.#ask(one)));
    return [...this.#known.values()];
  }

  /** A hint of the server; null: anything may have happened meanwhile. */
  changed(gatewayUid: Uid | null): void {
    const uids = gatewayUid === null ? this.#known.keys() : [gatewayUid];
    for (const uid of uids) if (this.#known.has(uid)) this.#stale.add(uid);
    this.#parts.onChanged();
  }

  /** The secret of the watch is sealed to the gateway's own key: whoever relays it cannot come in by it. */
  async watch({ gatewayUid, sessionUid, ...page }: WatchSession): Promise<SessionStarted> {
    const { commands, gateways, sessions } = this.#parts;
    const { gateway } = this.#trusted(gatewayUid);
    const secret = randomBytes(32);
    const shareUid = newUid();
    try {
      const { untilMs } = await commands.watchSession(gateway, { sessionUid, shareUid }, secret);
      const gatewayKey =
        gateway.pins.gatewayKey === undefined
          ? await gateways.pinnedKey(gateway)
          : parseBase64url(gateway.pins.gatewayKey);
      const place = { shareUid, gatewayUid, gatewayKey, secret, typing: false, title: '' };
      return await sessions.join({ ...place, untilMs: Number(untilMs) }, page);
    } finally {
      wipe(secret);
    }
  }

  async end({ gatewayUid, sessionUid, reason }: EndLiveSession): Promise<void> {
    await this.#parts.commands.endSession(this.#trusted(gatewayUid).gateway, sessionUid, reason);
  }

  /** Nothing is asked any more. */
  clear(): void {
    this.#known.clear();
    this.#believed.clear();
    this.#stale.clear();
  }

  /** Throws `not-found` for one that was not listed, or that this account has no reason to believe. */
  #trusted(gatewayUid: Uid): TrustedGateway {
    const trusted = this.#believed.get(gatewayUid);
    if (!trusted) throw new ProtocolError('not-found', 'no such gateway among the live sessions');
    return trusted;
  }

  #isStale({ gatewayUid, online }: OverseenGateway): boolean {
    const uid = uidOf(gatewayUid);
    const known = this.#known.get(uid);
    if (known === undefined || known.state === 'failed' || this.#stale.has(uid)) return true;
    return (known.state === 'offline') === online;
  }

  async #ask({ gatewayUid, ownerUid: owner, online }: OverseenGateway): Promise<void> {
    const [uid, ownerUid] = [uidOf(gatewayUid), uidOf(owner)];
    const { keys } = this.#parts.account;
    const whose = { uid, ownerEmail: this.#emailOf(ownerUid), own: ownerUid === keys.accountUid };
    const nothing = { ...whose, ...silence, name: this.#believed.get(uid)?.name ?? '' };
    this.#stale.delete(uid); // what comes from here on is new again
    if (!online) return this.#keep({ ...nothing, state: 'offline' });
    try {
      const trusted = await this.#parts.policies.trust(uid, ownerUid);
      this.#believed.set(uid, trusted);
      this.#keep(await this.#askTrusted({ ...nothing, name: trusted.name }, trusted));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const unnamed = error.code === 'not-found';
      this.#keep({ ...nothing, state: unnamed ? 'unnamed' : 'failed', failure: unnamed ? null : error.code });
    }
  }

  async #askTrusted(whose: Omit<LiveGateway, 'state'>, trusted: TrustedGateway): Promise<LiveGateway> {
    const tasks = await this.#parts.commands.tasksOf(trusted.gateway);
    const { policy } = trusted;
    const myself = this.#myself;
    return {
      ...{ ...whose, state: 'online', silent: policy?.silent === true },
      mayWatch: myself !== null && mayWatch(policy, myself),
      mayEnd: myself !== null && mayEndSessions(policy, myself),
      sessions: tasks.filter(({ kind }) => kind === 'session').map((task) => this.#sessionOf(task, tasks)),
    };
  }

  #sessionOf(task: TaskView, tasks: readonly TaskView[]): LiveSession {
    const { uid, email, recordUid, protocol, startedAt, recorded, watchable } = task;
    return {
      ...{ uid, email, recordUid, protocol, startedAt, recorded, watchable },
      own: task.accountUid === this.#parts.account.keys.accountUid,
      title: recordUid === null ? '' : this.#parts.titleOf(recordUid),
      guests: tasks
        .filter(({ hostUid }) => hostUid === uid)
        .map((guest) => ({ email: guest.email, byPolicy: guest.kind === 'watcher' })),
    };
  }

  #keep(gateway: LiveGateway): void {
    this.#known.set(gateway.uid, gateway);
  }

  get #myself(): RosterMember | null {
    const { keys, organisation } = this.#parts.account;
    return findMember(organisation.roster, keys.accountUid);
  }

  #emailOf(accountUid: Uid): string {
    return findMember(this.#parts.account.organisation.roster, accountUid)?.email ?? '';
  }
}
