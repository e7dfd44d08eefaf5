import type { AccessRights, AccessView, AccessWay, Fingerprint, PersonEntry } from '../../api/sharing.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { fingerprintWords } from '../../../protocol/sharing/fingerprint.ts';
import type { Grant, SharedKind } from '../../../protocol/sharing/grant.ts';
import { meetOf } from '../../../protocol/sharing/rights.ts';
import { findMember } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { SharingOffice } from './sharing-office.ts';
import { shownRights } from './share-rights.ts';

interface Through {
  readonly folderUid: Uid;
  readonly folderName: string;
  /** What the folder leaves of a member's rights on the record. */
  readonly cap: (grant: Grant) => AccessRights;
}

/** Who may do what, as people see it: worked out from signatures, never from the server's lists. */
export class AccessViews {
  readonly #office: SharingOffice;

  constructor(office: SharingOffice) {
    this.#office = office;
  }

  async people(): Promise<PersonEntry[]> {
    const { rosters, pins } = this.#office.parts;
    const others = rosters.roster.members.filter(({ accountUid }) => accountUid !== this.#office.ownUid);
    const entries = others.map(async (member) => {
      const { accountUid, email } = member;
      const renewedAt = await pins.renewedAt(member);
      const renewed = renewedAt === null ? {} : { renewedAt };
      return { accountUid, email, pin: await pins.stateOf(member), ...renewed };
    });
    return (await Promise.all(entries)).sort((a, b) => a.email.localeCompare(b.email));
  }

  async fingerprint(accountUid: Uid): Promise<Fingerprint> {
    const { pins } = this.#office.parts;
    const member = this.#office.member(accountUid);
    return {
      accountUid,
      email: member.email,
      words: fingerprintWords(member),
      pin: await pins.stateOf(member),
      formerWords: await pins.formerWords(member),
    };
  }

  /** Throws `not-found` when the keys are others again than the words that were compared. */
  async confirm({ accountUid, words }: { accountUid: Uid; words: readonly string[] }): Promise<void> {
    const member = this.#office.member(accountUid);
    if (fingerprintWords(member).join(' ') !== words.join(' '))
      throw new ProtocolError('conflict', 'the keys are others now: compare again');
    await this.#office.parts.pins.confirm(member);
  }

  async of(objectUid: Uid): Promise<AccessView> {
    const { shares, book } = this.#office.parts;
    const folder = shares.shares.folders.get(objectUid);
    if (folder) return await this.#view('folder', objectUid, folder.ownerUid);
    return await this.#view('record', objectUid, book.require(objectUid).ownerUid);
  }

  async #view(kind: SharedKind, objectUid: Uid, ownerUid: Uid): Promise<AccessView> {
    const { shares } = this.#office.parts;
    const access =
      kind === 'record' ? shares.accessTo(objectUid, ownerUid) : shares.accessToFolder(objectUid, ownerUid);
    if (access === null) throw new ProtocolError('not-found', 'there is no access to it');
    const ways = await this.#waysOf(kind, objectUid, ownerUid, null);
    if (kind === 'record') ways.push(...(await this.#throughFolders(objectUid, ownerUid)));
    const { rights } = access;
    return {
      ...{ objectUid, kind, ownerUid, ways },
      ownerEmail: this.#office.emailOf(ownerUid),
      own: shownRights(rights, ownerUid === this.#office.ownUid),
      mayShare: kind === 'record' ? rights.share : rights.manageMembers,
    };
  }

  async #throughFolders(recordUid: Uid, ownerUid: Uid): Promise<AccessWay[]> {
    const { shares, rosters, session } = this.#office.parts;
    const rules = shares.shares.rules(rosters.roster);
    const ways: AccessWay[] = [];
    for (const { entry } of shares.shares.entriesOf(recordUid)) {
      const cap = entry.recordOwnerUid === ownerUid ? rules.ofEntry(entry, session.deviceNow()) : null;
      const folder = shares.shares.folders.get(entry.folderUid);
      const described = folder && (await shares.folder(folder));
      if (cap === null || !folder || !described) continue;
      const through = {
        folderUid: folder.uid,
        folderName: described.name,
        cap: (grant: Grant) => shownRights(meetOf(cap.rights, grant.rights)),
      };
      ways.push(...(await this.#waysOf('folder', folder.uid, folder.ownerUid, through)));
      if (folder.ownerUid !== ownerUid)
        ways.push(await this.#ofFolderOwner(folder.ownerUid, through, cap.rights));
    }
    return ways;
  }

  async #ofFolderOwner(
    ownerUid: Uid,
    { folderUid, folderName }: Through,
    rights: Parameters<typeof shownRights>[0],
  ): Promise<AccessWay> {
    return {
      grantee: { kind: 'account', uid: ownerUid },
      name: this.#office.emailOf(ownerUid),
      rights: shownRights(rights),
      until: null,
      byUid: ownerUid,
      byEmail: this.#office.emailOf(ownerUid),
      ...{ folderUid, folderName, offered: false, toYou: false },
      pin: await this.#pinOf(ownerUid),
    };
  }

  async #waysOf(kind: SharedKind, uid: Uid, ownerUid: Uid, through: Through | null): Promise<AccessWay[]> {
    const { shares, rosters, session } = this.#office.parts;
    const rules = shares.shares.rules(rosters.roster);
    const ways: AccessWay[] = [];
    for (const { grant } of shares.shares.grantsOf(kind, uid)) {
      const access = grant.ownerUid === ownerUid ? rules.ofGrant(grant, session.deviceNow()) : null;
      if (access === null) continue;
      const { granteeKind, granteeUid, granterUid } = grant;
      const isTeam = granteeKind === 'team';
      ways.push({
        grantee: { kind: granteeKind, uid: granteeUid },
        name: isTeam ? granteeUid : this.#office.emailOf(granteeUid),
        rights: through ? through.cap(grant) : shownRights(access.rights),
        until: access.expiresAtMs || null,
        byUid: granterUid,
        byEmail: this.#office.emailOf(granterUid),
        folderUid: through?.folderUid ?? null,
        folderName: through?.folderName ?? null,
        pin: isTeam ? null : await this.#pinOf(granteeUid),
        offered: grant.rights.own,
        toYou: granterUid !== this.#office.ownUid && this.#isOwn(granteeUid),
      });
    }
    return ways;
  }

  #isOwn(granteeUid: Uid): boolean {
    const { ownUid, parts } = this.#office;
    const team = parts.rosters.roster.teams.find(({ teamUid }) => teamUid === granteeUid);
    return granteeUid === ownUid || team?.memberUids.includes(ownUid) === true;
  }

  async #pinOf(accountUid: Uid) {
    const { rosters, pins } = this.#office.parts;
    const member = findMember(rosters.roster, accountUid);
    return member && accountUid !== this.#office.ownUid ? await pins.stateOf(member) : null;
  }
}
