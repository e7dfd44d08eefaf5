import type { Bytes } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { offerKey, type OrganisationKeyName } from '../../../protocol/organisation/keys.ts';
import { findMember, type Roster, type RosterMember } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { OrganisationBook } from './organisation-book.ts';
import type { RosterChange, RosterWriter } from './roster-writer.ts';
import { teamsWithout } from './teams.ts';

type Offers = NonNullable<RosterChange['offers']>;

/** Who belongs to the organisation, and who administers it. */
export class Members {
  readonly #book: OrganisationBook;
  readonly #writer: RosterWriter;

  constructor(book: OrganisationBook, writer: RosterWriter) {
    this.#book = book;
    this.#writer = writer;
  }

  /** Certifies people with what they need to read the settings. Those who are members already, or whose address is taken, are left out. */
  async add(people: readonly RosterMember[]): Promise<void> {
    await this.#writer.change(async (roster, signer) => {
      const added = people.filter((person) => isNew(roster, person));
      if (added.length === 0) return null;
      const offers = await this.#offer(signer, 'data', added);
      return { roster: { members: [...roster.members, ...added] }, offers };
    });
  }

  /** A new administrator is offered the keys; a former one keeps what they knew of them. Throws `not-found`, `not-allowed`. */
  async setAdministrator(accountUid: Uid, administrator: boolean): Promise<void> {
    await this.#writer.change(async (roster, signer) => {
      const member = memberIn(roster, accountUid);
      if (member.administrator === administrator) return null;
      const members = roster.members.map((known) => (known === member ? { ...known, administrator } : known));
      requireAdministrator(members);
      return {
        roster: { members },
        offers: administrator ? await this.#administratorKeys(signer, member) : [],
      };
    });
  }

  /** Out of the organisation and its teams, which get new keys. The account keeps its own vault. */
  async remove(accountUid: Uid): Promise<void> {
    await this.#writer.change(async (roster, signer) => {
      const member = memberIn(roster, accountUid);
      const members = roster.members.filter((known) => known !== member);
      requireAdministrator(members);
      const { teams, teamKeys } = await teamsWithout(signer, roster, accountUid);
      return { roster: { members, teams }, teamKeys };
    });
  }

  async #administratorKeys(signer: Signer, member: RosterMember): Promise<Offers> {
    const names = ['signing', 'recovery'] as const;
    const own = names.filter((name) => this.#book.keys.has(name));
    return (await Promise.all(own.map((name) => this.#offer(signer, name, [member])))).flat();
  }

  async #offer(signer: Signer, name: OrganisationKeyName, to: readonly RosterMember[]): Promise<Offers> {
    const { organisation, keys } = this.#book;
    return await keys.use(name, async (key: Bytes) =>
      Promise.all(to.map((member) => offerKey(signer, organisation.uid, name, member, key))),
    );
  }
}

function isNew(roster: Roster, { accountUid, email }: RosterMember): boolean {
  return roster.members.every((known) => known.accountUid !== accountUid && known.email !== email);
}

function memberIn(roster: Roster, accountUid: Uid): RosterMember {
  const member = findMember(roster, accountUid);
  if (!member) throw new ProtocolError('not-found', 'no such member of the organisation');
  return member;
}

function requireAdministrator(members: readonly RosterMember[]): void {
  if (!members.some(({ administrator }) => administrator))
    throw new ProtocolError('not-allowed', 'the organisation needs an administrator: make another one first');
}
