import type { GranteeRef } from '../../api/sharing.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import type { FolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import { isWithin, type Rights } from '../../../protocol/sharing/rights.ts';
import { findMember, type RosterMember } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { inTurn } from '../exclusive.ts';
import type { OtherElements } from '../manifest/other-elements.ts';
import type { OwnWrites } from '../manifest/own-writes.ts';
import type { MemberSuccessions } from '../organisation/member-successions.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { AccessNotices } from './access-notices.ts';
import type { ContactPins } from './contact-pins.ts';
import type { RevocationRecords } from './revocation-records.ts';
import type { Revocation } from './revocations.ts';
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
  /** Whether everything that the account's manifest covers is here. */
  readonly isComplete: () => boolean;
  readonly successions: MemberSuccessions;
  readonly pins: ContactPins;
  readonly revocations: RevocationRecords;
  readonly notices: AccessNotices;
  readonly warn: (message: string) => void;
}

/** Somebody who stays when a key is replaced, or does not. */
export type Standing = { readonly grantee: Grantee; readonly name: string; readonly verified: boolean };

/** Who may be given something: people and teams of the verified roster, whose keys are those that were pinned. */
export class SharingOffice {
  readonly parts: SharingParts;
  readonly #oneByOne = inTurn();

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

  /**
   * What is shared or taken back rests on pinned keys and on what was taken back before: the server must not withhold
   * them. Throws `untrusted` while anything of the vault is missing, or for a record that nothing vouches for.
   */
  async requireSound(recordUids: readonly Uid[] = []): Promise<void> {
    const { sync, isComplete, revocations, book } = this.parts;
    await sync();
    if (!isComplete()) throw new ProtocolError('untrusted', 'the vault is incomplete: nothing is shared');
    await revocations.load();
    if (recordUids.some((uid) => !book.require(uid).proved))
      throw new ProtocolError('untrusted', 'nothing vouches for the record yet');
  }

  /** What replaces keys goes one after another: two at once would each write over the other's. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#oneByOne('keys', task);
  }

  /**
   * What another device of the account may have done already, told of the revocation before this one went on. Throws
   * what the task throws unless the object has a newer key than that.
   */
  async unlessDone(isDone: () => boolean, task: () => Promise<unknown>): Promise<void> {
    if (isDone()) return;
    try {
      await task();
    } catch (error) {
      const code = toProtocolError(error)?.code;
      if (code !== 'conflict' && code !== 'not-allowed') throw error;
      await this.parts.sync();
      if (!isDone()) throw error;
    }
  }

  /** Out from now on: whatever this account knows of them counts no more. Gives what gateways are to be told. */
  async revoke(
    kind: 'record' | 'folder',
    object: { readonly uid: Uid; readonly ownerUid: Uid; readonly keyVersion: number },
    granteeUids: readonly Uid[],
  ): Promise<readonly Revocation[]> {
    const isOwner = object.ownerUid === this.ownUid;
    const known = this.parts.shares.shares.grantsOf(kind, object.uid).map(({ grant }) => grant);
    const revocations = granteeUids.map((outUid): Revocation => {
      const issued = known.filter(({ granteeUid }) => granteeUid === outUid).map((one) => one.issuedAtMs);
      return {
        ...{ kind, objectUid: object.uid, outUid, signerUid: isOwner ? null : this.ownUid },
        untilMs: Math.max(this.parts.session.deviceNow(), ...issued),
        keyVersion: isOwner ? object.keyVersion : 0,
      };
    });
    await this.parts.revocations.remember(revocations);
    return revocations;
  }

  /** What is told without anybody waiting for it: these own records have new keys, and no former copy counts. */
  announceKeys(recordUids: readonly Uid[]): void {
    this.parts.notices.stored(recordUids).catch((error: unknown) => {
      this.parts.warn(`gateways were not told of new keys: ${String(error)}`);
    });
  }

  /** Those whose last grant by this account gave more: what was given until now counts no more. */
  async narrow(
    kind: 'record' | 'folder',
    objects: readonly { readonly uid: Uid; readonly ownerUid: Uid; readonly keyVersion: number }[],
    to: readonly Grantee[],
    { rights, expiresAtMs }: { readonly rights: Rights; readonly expiresAtMs: number },
  ): Promise<readonly Uid[]> {
    const grantees = new Set(to.map(({ uid }) => uid));
    const revocations = objects.flatMap(({ uid, ownerUid, keyVersion }) =>
      this.parts.shares.shares
        .grantsOf(kind, uid)
        .map(({ grant }) => grant)
        .filter(({ granterUid, granteeUid }) => granterUid === this.ownUid && grantees.has(granteeUid))
        .filter((former) => {
          const sooner = expiresAtMs !== 0 && (former.expiresAtMs === 0 || former.expiresAtMs > expiresAtMs);
          return sooner || !isWithin(former.rights, rights);
        })
        .map(({ granteeUid, issuedAtMs }) => ({
          ...{ kind, objectUid: uid, outUid: granteeUid, signerUid: this.ownUid, untilMs: issuedAtMs },
          keyVersion: ownerUid === this.ownUid ? keyVersion : 0,
        })),
    );
    if (revocations.length > 0) await this.parts.revocations.remember(revocations);
    return [...new Set(revocations.filter((one) => one.keyVersion > 0).map(({ objectUid }) => objectUid))];
  }

  /** With the keys to seal to. Pins people; throws `untrusted` when one has others now, `not-found` or `malformed`. */
  async grantees(refs: readonly GranteeRef[]): Promise<Grantee[]> {
    if (refs.length === 0) throw new ProtocolError('malformed', 'shared with nobody');
    const people = refs.filter(({ kind }) => kind === 'account').map(({ uid }) => this.member(uid));
    if (people.some(({ accountUid }) => accountUid === this.ownUid))
      throw new ProtocolError('malformed', 'a record is not shared with oneself');
    await this.parts.pins.require(people);
    return refs.map((ref) => ({ ...ref, ...this.#keyOf(ref) }));
  }

  /** Whether that one may be given a new key; null when they left, or their keys are others than the pinned ones. */
  async standing(ref: GranteeRef): Promise<Standing | null> {
    if (ref.kind === 'team') {
      const team = this.parts.rosters.roster.teams.find(({ teamUid }) => teamUid === ref.uid);
      if (!team) return null;
      const { ecdhPublicKey: publicKey, keyVersion } = team;
      return { grantee: { ...ref, publicKey, keyVersion }, name: ref.uid, verified: true };
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
    const { revocations } = this.parts.shares.shares;
    const notBefore = revocations.notBefore(kind, objectUid, granteeUid, this.ownUid);
    return Math.max(this.parts.session.deviceNow(), notBefore, ...given);
  }

  /** Whether this account put somebody else's record there, and may do so still. */
  isToRenew({ folderUid, folderOwnerUid, recordUid, recordOwnerUid, authorUid }: FolderEntry): boolean {
    const { shares, book } = this.parts;
    const known = book.get(recordUid);
    if (authorUid !== this.ownUid || known?.ownerUid !== recordOwnerUid || known.deleted) return false;
    if (!known.proved || book.isOwn(known)) return false;
    const rights = shares.accessTo(recordUid, recordOwnerUid)?.rights;
    const inFolder = shares.accessToFolder(folderUid, folderOwnerUid)?.rights;
    return rights?.share === true && inFolder?.manageRecords === true;
  }

  #keyOf({ kind, uid }: GranteeRef) {
    if (kind === 'account') return { publicKey: this.member(uid).ecdhPublicKey, keyVersion: 0 };
    const team = this.parts.rosters.roster.teams.find(({ teamUid }) => teamUid === uid);
    if (!team) throw new ProtocolError('not-found', 'no such team');
    return { publicKey: team.ecdhPublicKey, keyVersion: team.keyVersion };
  }
}
