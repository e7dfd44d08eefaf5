import type { Bytes } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { offerKey, type OrganisationKeyName } from '../../../protocol/organisation/keys.ts';
import {
  findMember,
  hasEnded,
  withEnds,
  type Roster,
  type RosterMember,
} from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { OrganisationBook } from './organisation-book.ts';
import { departedMs, type RosterChange, type RosterWriter } from './roster-writer.ts';
import { teamsWithout } from './teams.ts';

/** Somebody new, and the invitation that they proved. */
export interface InvitedMember {
  readonly member: RosterMember;
  readonly invitationUid: Uid;
}

/** Accepted in time, certified when the inviter is back from a holiday; later a server could still bring it up again. */
export const graceMs = 30 * 24 * 60 * 60_000;
/** No invitation of today is honoured any more after this, by whatever device's clock. */
const rememberedMs = limits.invitationMs + graceMs + 30 * 24 * 60 * 60_000;

type Offers = NonNullable<RosterChange['offers']>;

/** Who belongs to the organisation, and who administers it. */
export class Members {
  readonly #book: OrganisationBook;
  readonly #writer: RosterWriter;
  readonly #now: () => number;

  constructor(book: OrganisationBook, writer: RosterWriter, now: () => number) {
    this.#book = book;
    this.#writer = writer;
    this.#now = now;
  }

  /**
   * Certifies people with what they need to read the settings; the same roster ends their invitations. Left out are those
   * who are members already, whose address is taken, and whose invitation or account has ended.
   */
  async add(people: readonly InvitedMember[]): Promise<void> {
    await this.#writer.change(async (roster, signer) => {
      const added = distinct(people).filter((person) => isNew(roster, person));
      if (added.length === 0) return null;
      const members = added.map(({ member }) => member);
      const offers = await this.#offer(signer, 'data', members);
      const ends = this.#ends(
        roster,
        added.map(({ invitationUid }) => invitationUid),
      );
      return { roster: { members: [...roster.members, ...members], ends }, offers };
    });
  }

  /**
   * Certifies the new keys of members whose former ones signed them over. Nothing when every key is certified: whoever
   * signs a roster meanwhile certifies them too.
   */
  async certifySuccessions(): Promise<void> {
    if (this.#book.membership !== 'administrator' || !this.#book.keys.has('signing')) return;
    const { organisation } = this.#book;
    if (organisation.succeeded.size === 0) return;
    await this.#writer.change(async (roster) =>
      organisation.succeeded.size === 0 ? null : { roster: { members: roster.members } },
    );
  }

  /** Nobody is certified by that invitation, whatever a server shows. Throws `not-allowed`. */
  async endInvitation(invitationUid: Uid): Promise<void> {
    await this.#writer.change((roster) =>
      Promise.resolve(
        hasEnded(roster, invitationUid) ? null : { roster: { ends: this.#ends(roster, [invitationUid]) } },
      ),
    );
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

  /** Out of the organisation and its teams, which get new keys, for good. The account keeps its own vault. */
  async remove(accountUid: Uid): Promise<void> {
    await this.#writer.change(async (roster, signer) => {
      const member = memberIn(roster, accountUid);
      const members = roster.members.filter((known) => known !== member);
      requireAdministrator(members);
      const { teams, teamKeys } = await teamsWithout(signer, roster, accountUid);
      const now = this.#now();
      const departed = { signingPublicKey: member.signingPublicKey };
      const ends = withEnds(roster, [{ uid: accountUid, untilMs: now + departedMs, departed }], now);
      return { roster: { members, teams, ends }, teamKeys };
    });
  }

  #ends(roster: Roster, uids: readonly Uid[]): Roster['ends'] {
    const now = this.#now();
    return withEnds(
      roster,
      uids.map((uid) => ({ uid, untilMs: now + rememberedMs })),
      now,
    );
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

function isNew(roster: Roster, { member: { accountUid, email }, invitationUid }: InvitedMember): boolean {
  if (hasEnded(roster, invitationUid) || hasEnded(roster, accountUid)) return false;
  return roster.members.every((known) => known.accountUid !== accountUid && known.email !== email);
}

/** One account, one address and one invitation of each: the first counts. */
function distinct(people: readonly InvitedMember[]): InvitedMember[] {
  const seen = new Set<string>();
  return people.filter(({ member: { accountUid, email }, invitationUid }) => {
    const names = [accountUid, email, invitationUid];
    if (names.some((name) => seen.has(name))) return false;
    for (const name of names) seen.add(name);
    return true;
  });
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
