import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import type { EcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { SignedOrganisationSettings } from '../../../protocol/messages/gen/account_pb.js';
import {
  OrganisationService,
  type GetOrganisationResponse,
  type KeyOffer,
  type PendingMember,
} from '../../../protocol/messages/gen/organisation_pb.js';
import { keyNameOf, openKeyOffer, type OrganisationKeyName } from '../../../protocol/organisation/keys.ts';
import {
  noSettings,
  openSettings,
  type OrganisationSettings,
} from '../../../protocol/organisation/settings.ts';
import type { Roster } from '../../../protocol/signed/roster.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { withEcdhKeys } from '../../../protocol/vault/account-keys.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { RosterSource } from '../sharing/roster-source.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { OrganisationKeys } from './organisation-keys.ts';
import { wholeRoster } from './roster-news.ts';
import { TeamKeyring } from './team-keyring.ts';
import type { MembershipState, TrustedOrganisation } from './trusted-organisation.ts';

export interface BookParts {
  readonly session: VaultSession;
  readonly account: OpenedAccount;
  /** Stores the account as it is now on this device. */
  readonly remember: () => Promise<void>;
  /** Something that `readOrganisation` shows changed. */
  readonly onChanged: () => void;
  readonly warn: (message: string) => void;
}

/** One of each kind, and some that a server adds. */
const mostOffers = 16;
/** Rounds of links for a device that was away for long: four million versions. */
const mostRounds = 1024;

const keptMembers = {
  data: 'sealedDataKey',
  signing: 'sealedSigningKey',
  recovery: 'sealedRecoveryKey',
} as const;

/** The organisation of an unlocked account: brought up to date from the server, believed by its own key alone. */
export class OrganisationBook implements RosterSource {
  readonly keys: OrganisationKeys;
  readonly #parts: BookParts;
  readonly #teamKeys: TeamKeyring;
  #settings: OrganisationSettings = noSettings;
  #pending: readonly PendingMember[] = [];
  /** How many successions of members' keys the server has told of. */
  #successionVersion = 0n;
  #removed = false;
  #refused = false;
  #turn: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | null = null;

  constructor(parts: BookParts) {
    this.#parts = parts;
    this.keys = new OrganisationKeys(parts.account);
    this.#teamKeys = new TeamKeyring({
      ...parts,
      refresh: () => this.refresh(),
      tell: (error) => this.#tell(error),
    });
  }

  get organisation(): TrustedOrganisation {
    return this.#parts.account.organisation;
  }

  get roster(): Roster {
    return this.organisation.roster;
  }

  get settings(): OrganisationSettings {
    return this.#settings;
  }

  get membership(): MembershipState {
    return this.#removed ? 'removed' : this.organisation.membership;
  }

  /** The server showed a roster or settings that do not follow from those known: they were not taken. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Accounts that accepted an invitation, as the server says. */
  get pending(): readonly PendingMember[] {
    return this.#pending;
  }

  /** Opens the settings that this device has; of use offline. */
  async open(): Promise<void> {
    await this.#guarded(async () => this.#takeSettings(this.organisation.bundle.settings));
  }

  async atLeast(version: bigint, successions = 0n): Promise<void> {
    if (this.roster.version >= version && this.#successionVersion >= successions) return;
    await this.refresh().catch((error: unknown) => this.#tell(error));
  }

  /** Brings roster, settings and keys up to date. Several callers share one turn. */
  refresh(): Promise<void> {
    this.#waiting ??= this.#turn.then(async () => {
      this.#waiting = null;
      await this.#fetch();
    });
    this.#turn = this.#waiting.catch(() => undefined); // told to those who asked
    return this.#waiting;
  }

  teamKey(teamUid: Uid): Promise<EcdhKeyPair | null> {
    return this.#teamKeys.present(teamUid);
  }

  teamKeys(teamUid: Uid): Promise<readonly EcdhKeyPair[]> {
    return this.#teamKeys.all(teamUid);
  }

  /** Wipes the keys of teams. */
  clear(): void {
    this.#teamKeys.clear();
  }

  async #fetch(): Promise<void> {
    const [before, roster] = [this.#state(), this.roster];
    for (let round = 0; round < mostRounds; round++) {
      const answer = await this.#ask();
      if (!(await this.#guarded(() => this.#take(answer)))) break;
      if (!answer.more && (answer.links.length === 0 || answer.roster)) break;
    }
    if (this.#state() === before && this.roster === roster) return;
    await this.#parts.remember();
    this.#parts.onChanged();
  }

  /** What changed since the roster that is here; the whole roster when that does not come out. */
  async #ask(): Promise<GetOrganisationResponse> {
    const { followed: knownRosterVersion, rosterVersion, bundle } = this.organisation;
    const ask = (changesOnly: boolean) =>
      this.#parts.session.call(OrganisationService.method.getOrganisation, {
        knownRosterVersion,
        changesOnly,
      });
    const answer = await ask(bundle.roster !== undefined && knownRosterVersion === rosterVersion);
    try {
      const roster = wholeRoster(answer, bundle.roster);
      return roster ? { ...answer, roster } : answer;
    } catch (error) {
      if (!isDoubtful(error)) throw error;
      this.#tell(error);
      return await ask(false);
    }
  }

  async #take(answer: GetOrganisationResponse): Promise<void> {
    this.#removed = !answer.member && this.organisation.rosterVersion > 0n;
    if (this.#removed) this.#teamKeys.drop();
    if (!answer.member) return;
    this.organisation.advance(answer.links, answer.roster);
    this.organisation.succeed(answer.successions);
    this.#successionVersion = answer.successionVersion;
    if (answer.more) return; // the roster left no room
    const doubtfulKey = await this.#teamKeys.take(answer);
    this.#pending = answer.pending;
    const doubtfulOffer = await this.#keepOffers(answer.offers);
    await this.#takeSettings(answer.settings);
    const doubt = doubtfulKey ?? doubtfulOffer;
    if (doubt) throw doubt;
  }

  /** Keys that an administrator offered come under the own data key. What does not hold spoils no other, and is returned. */
  async #keepOffers(offers: readonly KeyOffer[]): Promise<Error | null> {
    let doubt: Error | null = null;
    const kept: Partial<Record<(typeof keptMembers)[OrganisationKeyName], Bytes>> = {};
    for (const offer of offers.slice(0, mostOffers)) {
      try {
        const name = keyNameOf(offer.kind);
        const sealed = await this.#sealOffered(name, offer);
        kept[keptMembers[name]] = sealed;
        this.organisation.keepKey(name, sealed);
      } catch (error) {
        if (!isDoubtful(error)) throw error;
        doubt = error;
      }
    }
    if (Object.keys(kept).length > 0)
      await this.#parts.session.call(OrganisationService.method.keepOrganisationKeys, kept);
    return doubt;
  }

  async #sealOffered(name: OrganisationKeyName, offer: KeyOffer): Promise<Bytes> {
    const { keys } = this.#parts.account;
    const key = await withEcdhKeys(keys, (pair) =>
      openKeyOffer(pair, keys.accountUid, this.organisation, offer),
    );
    try {
      return await this.keys.seal(name, key);
    } finally {
      wipe(key);
    }
  }

  async #takeSettings(signed: SignedOrganisationSettings | undefined): Promise<void> {
    const dataKey = await this.keys.dataKey();
    if (!signed || !dataKey) return;
    if (signed.version < this.#settings.version)
      throw new ProtocolError('untrusted', 'the settings are older than ones seen before');
    if (signed.version === this.#settings.version) return;
    this.#settings = await openSettings(this.organisation, dataKey, signed);
    this.organisation.keepSettings(signed);
  }

  /** What does not hold is not taken, and said. */
  async #guarded(task: () => Promise<void>): Promise<boolean> {
    try {
      await task();
      this.#refused = false;
      return true;
    } catch (error) {
      if (!isDoubtful(error)) throw error;
      this.#refused = true;
      this.#tell(error);
      return false;
    }
  }

  /** To tell whether anything changed. */
  #state(): string {
    const { rosterVersion, membership } = this.organisation;
    const pending = this.#pending.map(({ accountUid }) => uidOf(accountUid));
    const own = [this.#removed, this.#refused, this.keys.has('data'), this.keys.has('signing')];
    return JSON.stringify([
      ...[String(rosterVersion), String(this.#settings.version), membership],
      ...[pending, own, this.#teamKeys.names],
    ]);
  }

  #tell(error: unknown): void {
    const reason = error instanceof ProtocolError ? `${error.code}: ${error.message}` : String(error);
    this.#parts.warn(`the organisation could not be brought up to date: ${reason}`);
  }
}

/** What only a server that does not do its part gives. */
const doubtful: ReadonlySet<string> = new Set([
  'untrusted',
  'bad-signature',
  'malformed',
  'open-failed',
  'too-large',
]);

function isDoubtful(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && doubtful.has(error.code);
}
