import type { GranteeRef } from '../../api/sharing.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { findMember, type RosterMember } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { OtherElements } from '../manifest/other-elements.ts';
import type { OwnWrites } from '../manifest/own-writes.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import type { VaultSession } from '../vault-session.ts';
import type { ContactPins } from './contact-pins.ts';
import type { RosterSource } from './roster-source.ts';
import type { ShareBook } from './share-book.ts';
import type { Giver, Grantee } from './share-seal.ts';

/** What everything that shares works with. */
export interface SharingParts {
  readonly keys: AccountKeys;
  readonly session: VaultSession;
  readonly shares: ShareBook;
  readonly rosters: RosterSource;
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly others: OtherElements;
  readonly writes: OwnWrites;
  readonly sync: () => Promise<void>;
  readonly pins: ContactPins;
}

/** Somebody who stays when a key is replaced, or does not. */
export type Standing = { readonly grantee: Grantee; readonly name: string; readonly verified: boolean };

/** Who may be given something: people and teams of the verified roster, whose keys are those that were pinned. */
export class SharingOffice {
  readonly parts: SharingParts;

  constructor(parts: SharingParts) {
    this.parts = parts;
  }

  get ownUid(): Uid {
    return this.parts.keys.accountUid;
  }

  get giver(): Giver {
    return this.parts.keys;
  }

  /** Throws `not-found` for who is in no roster. */
  member(accountUid: Uid): RosterMember {
    const member = findMember(this.parts.rosters.roster, accountUid);
    if (member === null) throw new ProtocolError('not-found', 'nobody of the organisation');
    return member;
  }

  emailOf(accountUid: Uid): string {
    return findMember(this.parts.rosters.roster, accountUid)?.email ?? '';
  }

  /** With the keys to seal to. Pins people; throws `untrusted` when one has others now, `not-found` or `malformed`. */
  async grantees(refs: readonly GranteeRef[]): Promise<Grantee[]> {
    if (refs.length === 0) throw new ProtocolError('malformed', 'shared with nobody');
    const people = refs.filter(({ kind }) => kind === 'account').map(({ uid }) => this.member(uid));
    if (people.some(({ accountUid }) => accountUid === this.ownUid))
      throw new ProtocolError('malformed', 'a record is not shared with oneself');
    await this.parts.pins.require(people);
    return refs.map((ref) => ({ ...ref, publicKey: this.#keyOf(ref) }));
  }

  /** Whether that one may be given a new key; null when they left, or their keys are others than the pinned ones. */
  async standing(ref: GranteeRef): Promise<Standing | null> {
    if (ref.kind === 'team') {
      const team = this.parts.rosters.roster.teams.find(({ teamUid }) => teamUid === ref.uid);
      if (!team) return null;
      return { grantee: { ...ref, publicKey: team.ecdhPublicKey }, name: ref.uid, verified: true };
    }
    const member = findMember(this.parts.rosters.roster, ref.uid);
    const state = member && (await this.parts.pins.stateOf(member));
    if (!member || state === 'changed') return null;
    const grantee = { ...ref, publicKey: member.ecdhPublicKey };
    return { grantee, name: member.email, verified: state === 'verified' };
  }

  /** Later than the last word of this account to that grantee on that object: a former one never counts again. */
  issuedAt(kind: 'record' | 'folder', objectUid: Uid, granteeUid: Uid): number {
    const given = this.parts.shares.shares
      .grantsOf(kind, objectUid)
      .filter(({ grant }) => grant.granterUid === this.ownUid && grant.granteeUid === granteeUid)
      .map(({ grant }) => grant.issuedAtMs + 1);
    return Math.max(this.parts.session.deviceNow(), ...given);
  }

  #keyOf({ kind, uid }: GranteeRef) {
    if (kind === 'account') return this.member(uid).ecdhPublicKey;
    const team = this.parts.rosters.roster.teams.find(({ teamUid }) => teamUid === uid);
    if (!team) throw new ProtocolError('not-found', 'no such team');
    return team.ecdhPublicKey;
  }
}
