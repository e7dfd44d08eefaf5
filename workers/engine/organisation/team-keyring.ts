import { encodeBase64url, wipe } from '../../../protocol/bytes.ts';
import type { EcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  OrganisationService,
  type GetOrganisationResponse,
  type TeamKey,
} from '../../../protocol/messages/gen/organisation_pb.js';
import { openTeamKey, requireTeamKey } from '../../../protocol/organisation/keys.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { withEcdhKeys } from '../../../protocol/vault/account-keys.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';

export interface TeamKeyringParts {
  readonly session: Pick<VaultSession, 'call'>;
  readonly account: OpenedAccount;
  readonly warn: (message: string) => void;
  /** Brings the organisation up to date, and with it the keys. */
  readonly refresh: () => Promise<void>;
  readonly tell: (error: unknown) => void;
}

/**
 * Of one of each team that there can be, and of former ones to which somebody who does not come back sealed something: far
 * more than there are. Rather than leaving out some, all of it is refused.
 */
const mostTeamKeys = 50_000;
/** From here on the person in charge hears of it. */
const manyTeamKeys = 40_000;

/**
 * The keys of the teams that this account is in. As the organisation sealed and signed them they are part of what the
 * device keeps; opened they are in memory alone, until the lock. protocol.md §15.7, §20.4.
 */
export class TeamKeyring {
  readonly #parts: TeamKeyringParts;
  /** The version of the roster with which the server gave them. */
  #asOf = 0n;
  readonly #opened = new Map<string, Promise<EcdhKeyPair>>();

  constructor(parts: TeamKeyringParts) {
    this.#parts = parts;
  }

  /** To tell whether anything changed. */
  get names(): readonly string[] {
    return this.#messages.map(nameOf);
  }

  /** The present key pair of a team; null when this account was not given it. Throws `untrusted` for another key. */
  async present(teamUid: Uid): Promise<EcdhKeyPair | null> {
    const team = this.#team(teamUid);
    const message = this.#presentMessage(teamUid);
    if (!team || !message) return null;
    const pair = await this.#open(message);
    requireTeamKey(team, pair);
    return pair;
  }

  /** The key pairs of a team that this account was given, the newest first: what was sealed to a former one opens. */
  async all(teamUid: Uid): Promise<readonly EcdhKeyPair[]> {
    await this.#bring(teamUid);
    const own = this.#messages.filter((key) => uidOf(key.teamUid) === teamUid);
    const newestFirst = own.toSorted((one, other) => other.keyVersion - one.keyVersion);
    const pairs = await Promise.all(newestFirst.map((key) => this.#openOrNull(key)));
    return pairs.filter((pair) => pair !== null);
  }

  /** Takes over what came with the present roster, of its teams that this account is in. Throws `too-large`, `malformed`. */
  async take(answer: GetOrganisationResponse): Promise<void> {
    const all = await this.#everyKey(answer);
    const { organisation, keys } = this.#parts.account;
    const { teams, version } = organisation.roster;
    const own = new Set(
      teams.filter(({ memberUids }) => memberUids.includes(keys.accountUid)).map(({ teamUid }) => teamUid),
    );
    this.#keep(all.filter(({ teamUid }) => own.has(uidOf(teamUid))));
    this.#asOf = version;
  }

  /** This account is in no team any more. */
  drop(): void {
    this.#keep([]);
  }

  /** Wipes what is open. */
  clear(): void {
    for (const name of this.#opened.keys()) this.#wipe(name);
  }

  get #messages(): readonly TeamKey[] {
    return this.#parts.account.organisation.teamKeys;
  }

  #keep(messages: readonly TeamKey[]): void {
    this.#parts.account.organisation.keepTeamKeys(messages);
    const names = new Set(messages.map(nameOf));
    for (const name of this.#opened.keys()) if (!names.has(name)) this.#wipe(name);
  }

  #wipe(name: string): void {
    this.#opened.get(name)?.then(
      ({ privateKey }) => wipe(privateKey),
      () => undefined,
    ); // there was none
    this.#opened.delete(name);
  }

  #team(teamUid: Uid) {
    return this.#parts.account.organisation.roster.teams.find((known) => known.teamUid === teamUid);
  }

  #presentMessage(teamUid: Uid): TeamKey | undefined {
    const keyVersion = this.#team(teamUid)?.keyVersion;
    return this.#messages.find((key) => uidOf(key.teamUid) === teamUid && key.keyVersion === keyVersion);
  }

  /**
   * Records may be here before the keys of the teams that they were given to: without this a new device would leave them
   * out. Asks once for each roster.
   */
  async #bring(teamUid: Uid): Promise<void> {
    if (!this.#team(teamUid) || this.#presentMessage(teamUid)) return;
    if (this.#asOf >= this.#parts.account.organisation.roster.version) return;
    await this.#parts.refresh().catch((error: unknown) => this.#parts.tell(error));
  }

  /** One that does not hold is none of the organisation's: the others count. */
  async #openOrNull(message: TeamKey): Promise<EcdhKeyPair | null> {
    try {
      return await this.#open(message);
    } catch (error) {
      this.#parts.tell(error);
      return null;
    }
  }

  /** Opened once: thousands of records may be shared with one team. */
  #open(message: TeamKey): Promise<EcdhKeyPair> {
    const name = nameOf(message);
    const known = this.#opened.get(name);
    if (known) return known;
    const { keys, organisation } = this.#parts.account;
    const opening = withEcdhKeys(keys, (pair) =>
      openTeamKey(pair, keys.accountUid, organisation.publicKey, message),
    );
    this.#opened.set(name, opening);
    return opening;
  }

  async #everyKey({ teamKeys, moreTeamKeys }: GetOrganisationResponse): Promise<readonly TeamKey[]> {
    const all = [...teamKeys];
    for (let more = moreTeamKeys; more;) {
      const last = all.at(-1);
      const page = await this.#parts.session.call(OrganisationService.method.listTeamKeys, {
        ...(last && { afterTeamUid: last.teamUid, afterKeyVersion: last.keyVersion }),
      });
      if (page.teamKeys.length === 0) throw new ProtocolError('malformed', 'the keys of teams do not move');
      all.push(...page.teamKeys);
      if (all.length > mostTeamKeys) throw new ProtocolError('too-large', 'there are too many keys of teams');
      more = page.hasMore;
    }
    if (all.length > manyTeamKeys)
      this.#parts.warn(`there are ${all.length} keys of teams: ${mostTeamKeys} are too many`);
    return all;
  }
}

function nameOf({ teamUid, keyVersion, signature }: TeamKey): string {
  return `${uidOf(teamUid)} ${keyVersion} ${encodeBase64url(signature)}`;
}
