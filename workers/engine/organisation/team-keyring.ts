import { wipe } from '../../../protocol/bytes.ts';
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
import { keysOf, nameOf, TeamKeyIntake } from './team-key-intake.ts';

export interface TeamKeyringParts {
  readonly session: Pick<VaultSession, 'call'>;
  readonly account: OpenedAccount;
  readonly warn: (message: string) => void;
  /** Brings the organisation up to date, and with it the keys. */
  readonly refresh: () => Promise<void>;
  readonly tell: (error: unknown) => void;
}

/**
 * That a server may show: one of each team that there can be, and former ones to which somebody who does not come back
 * sealed something. It is far more than there are; rather than leaving out some, all of it is refused.
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

  /**
   * Takes over what came with the present roster: of its teams that this account is in, what the organisation signed.
   * What it did not sign spoils nothing and is returned; of too much, all is refused. Throws `too-large`, `malformed` or
   * `bad-signature`.
   */
  async take(answer: GetOrganisationResponse): Promise<Error | null> {
    const { organisation, keys } = this.#parts.account;
    const { teams: all, version } = organisation.roster;
    const teams = all.filter(({ memberUids }) => memberUids.includes(keys.accountUid));
    const kept = keysOf(teams, this.#messages);
    this.#keep(kept);
    const intake = new TeamKeyIntake({
      ...{ organisationKey: organisation.publicKey, accountUid: keys.accountUid },
      ...{ teams, kept },
    });
    await this.#readEvery(answer, intake);
    this.#keep(intake.held);
    this.#asOf = version;
    if (!intake.doubtful) return null;
    return new ProtocolError('bad-signature', 'the organisation did not sign a key of a team');
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

  async #readEvery(first: GetOrganisationResponse, intake: TeamKeyIntake): Promise<void> {
    let { teamKeys, moreTeamKeys: more } = first;
    let count = teamKeys.length;
    await intake.take(teamKeys);
    while (more) {
      const last = teamKeys.at(-1);
      const page = await this.#parts.session.call(OrganisationService.method.listTeamKeys, {
        ...(last && { afterTeamUid: last.teamUid, afterKeyVersion: last.keyVersion }),
      });
      if (page.teamKeys.length === 0) throw new ProtocolError('malformed', 'the keys of teams do not move');
      ({ teamKeys, hasMore: more } = page);
      count += teamKeys.length;
      if (count > mostTeamKeys) throw new ProtocolError('too-large', 'there are too many keys of teams');
      await intake.take(teamKeys);
    }
    if (count > manyTeamKeys)
      this.#parts.warn(`there are ${count} keys of teams: ${mostTeamKeys} are too many`);
  }
}
