import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { sealTeamKey } from '../../../protocol/organisation/keys.ts';
import { requireTeamName } from '../../../protocol/organisation/settings.ts';
import { findMember, type Roster, type RosterTeam } from '../../../protocol/signed/roster.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { OrganisationBook } from './organisation-book.ts';
import type { RosterChange, RosterWriter } from './roster-writer.ts';

type TeamKeys = NonNullable<RosterChange['teamKeys']>;

/** Teams: signed in the roster, named in the settings. */
export class Teams {
  readonly #book: OrganisationBook;
  readonly #writer: RosterWriter;

  constructor(book: OrganisationBook, writer: RosterWriter) {
    this.#book = book;
    this.#writer = writer;
  }

  async create(name: string, memberUids: readonly Uid[]): Promise<Uid> {
    const teamUid = newUid();
    const named = requireTeamName(name);
    await this.#writer.change(async (roster, signer) => {
      const { team, teamKeys } = await withNewKey(signer, roster, { teamUid, memberUids, keyVersion: 0 });
      return { roster: { teams: [...roster.teams, team] }, teamKeys };
    });
    await this.rename(teamUid, named);
    return teamUid;
  }

  /** Names of teams that are no more go with it. Throws `not-found`. */
  async rename(teamUid: Uid, name: string): Promise<void> {
    const named = requireTeamName(name);
    teamIn(this.#book.roster, teamUid);
    await this.#writer.changeSettings((settings) => {
      const present = new Set(this.#book.roster.teams.map((team) => team.teamUid));
      const kept = [...settings.teamNames].filter(([uid]) => present.has(uid));
      return { ...settings, teamNames: new Map([...kept, [teamUid, named]]) };
    });
  }

  /**
   * Whoever comes gets the team's key, when this administrator has it; otherwise, and whenever somebody leaves, the team
   * gets a new one. Throws `not-found` for a team or person that is none.
   */
  async setMembers(teamUid: Uid, memberUids: readonly Uid[]): Promise<void> {
    await this.#writer.change(async (roster, signer) => {
      const before = teamIn(roster, teamUid);
      const left = before.memberUids.some((uid) => !memberUids.includes(uid));
      const come = memberUids.filter((uid) => !before.memberUids.includes(uid));
      if (!left && come.length === 0) return null;
      const pair = left ? null : await this.#book.teamKey(teamUid);
      const { team, teamKeys } = pair
        ? await withSameKey(signer, roster, { ...before, memberUids }, come, pair.privateKey)
        : await withNewKey(signer, roster, { ...before, memberUids });
      return { roster: { teams: replaced(roster, team) }, teamKeys };
    });
  }

  /** What was shared with it ends for its members. */
  async remove(teamUid: Uid): Promise<void> {
    await this.#writer.change(async (roster) => {
      teamIn(roster, teamUid);
      return { roster: { teams: roster.teams.filter((team) => team.teamUid !== teamUid) } };
    });
  }
}

/** The teams without that person; those that had them, with new keys. */
export async function teamsWithout(
  signer: Signer,
  roster: Roster,
  accountUid: Uid,
): Promise<{ teams: readonly RosterTeam[]; teamKeys: TeamKeys }> {
  const teams: RosterTeam[] = [];
  const teamKeys: TeamKeys[number][] = [];
  for (const before of roster.teams) {
    const memberUids = before.memberUids.filter((uid) => uid !== accountUid);
    const changed =
      memberUids.length < before.memberUids.length
        ? await withNewKey(signer, roster, { ...before, memberUids })
        : { team: before, teamKeys: [] };
    teams.push(changed.team);
    teamKeys.push(...changed.teamKeys);
  }
  return { teams, teamKeys };
}

/** All teams, those that are due with new keys. */
export async function teamsWithNewKeys(
  signer: Signer,
  roster: Roster,
  isDue: (team: RosterTeam) => boolean,
): Promise<{ teams: readonly RosterTeam[]; teamKeys: TeamKeys }> {
  const renewed = await Promise.all(
    roster.teams.map((team) => (isDue(team) ? withNewKey(signer, roster, team) : { team, teamKeys: [] })),
  );
  return { teams: renewed.map(({ team }) => team), teamKeys: renewed.flatMap(({ teamKeys }) => teamKeys) };
}

async function withNewKey(
  signer: Signer,
  roster: Roster,
  before: Pick<RosterTeam, 'teamUid' | 'memberUids' | 'keyVersion'>,
): Promise<{ team: RosterTeam; teamKeys: TeamKeys }> {
  const { privateKey, publicKey } = generateEcdhKeyPair();
  const { teamUid, memberUids } = before;
  const team = { teamUid, memberUids, ecdhPublicKey: publicKey, keyVersion: before.keyVersion + 1 };
  const sealed = await withSameKey(signer, roster, team, memberUids, privateKey);
  wipe(privateKey);
  return sealed;
}

async function withSameKey(
  signer: Signer,
  roster: Roster,
  team: RosterTeam,
  recipients: readonly Uid[],
  privateKey: Bytes,
): Promise<{ team: RosterTeam; teamKeys: TeamKeys }> {
  const members = recipients.map((uid) => {
    const member = findMember(roster, uid);
    if (!member) throw new ProtocolError('not-found', 'no such member of the organisation');
    return member;
  });
  const teamKeys = await Promise.all(members.map((member) => sealTeamKey(signer, team, member, privateKey)));
  return { team, teamKeys };
}

function teamIn(roster: Roster, teamUid: Uid): RosterTeam {
  const team = roster.teams.find((known) => known.teamUid === teamUid);
  if (!team) throw new ProtocolError('not-found', 'no such team');
  return team;
}

function replaced(roster: Roster, team: RosterTeam): readonly RosterTeam[] {
  return roster.teams.map((known) => (known.teamUid === team.teamUid ? team : known));
}
