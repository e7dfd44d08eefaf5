import { encodeBase64url } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { PasskeyService } from '../../../protocol/messages/gen/factor_pb.js';
import { ShareLinkService } from '../../../protocol/messages/gen/share-link_pb.js';
import { recoveryKeyWords } from '../../../protocol/organisation/recovery.ts';
import { fingerprintWords } from '../../../protocol/sharing/fingerprint.ts';
import { findMember, type RosterTeam } from '../../../protocol/signed/roster.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { KeyRotationPreview, KeyRotationRecipient } from '../../api/key-rotation.ts';
import type { PinState } from '../../api/sharing.ts';
import { requireIdentityOf } from '../recovery/own-enrolment.ts';
import type { KnownEntry, KnownGrant } from '../sharing/known-shares.ts';
import type { Grantee } from '../sharing/share-seal.ts';
import { shownRights } from '../sharing/share-rights.ts';
import type { UnlockedVault } from '../unlocked-vault.ts';

/** Everything that is to be sealed or signed anew, with the keys that it is sealed to: those that the preview shows. */
export interface RotationPlan {
  readonly preview: KeyRotationPreview;
  readonly grants: readonly PlannedGrant[];
  readonly entries: readonly KnownEntry[];
  /** Null: the account is not enrolled, or not for the present key. */
  readonly recovery: ReturnType<typeof requireIdentityOf> | null;
  /** Two plans that give the same to the same keys have the same. */
  readonly binding: string;
}

export interface PlannedGrant {
  readonly known: KnownGrant;
  readonly to: Grantee;
}

/**
 * Works out from signed and verified state alone whom this account has given something. Throws `untrusted` while anything
 * of the vault is missing, `not-allowed` for who is in no roster.
 */
export async function planRotation(vault: UnlockedVault): Promise<RotationPlan> {
  await requireMember(vault);
  await vault.sharing.office.requireSound();
  await vault.data.settle();
  await vault.sharing.renewKeys(); // who is out by now is not shown, and nothing of it is left to do in between
  return await new Planner(vault).plan();
}

/** The same without writing anything: for whoever keeps all writes off meanwhile. Throws `conflict` for what is to be settled. */
export async function planAsItIs(vault: UnlockedVault): Promise<RotationPlan> {
  await requireMember(vault);
  await vault.sharing.office.requireSound();
  if (vault.data.others.departed.length > 0)
    throw new ProtocolError('conflict', 'the vault was changed meanwhile: look at the preview again');
  return await new Planner(vault).plan();
}

async function requireMember({ organisation, account }: UnlockedVault): Promise<void> {
  await organisation.book.refresh();
  if (findMember(organisation.book.roster, account.keys.accountUid) === null)
    throw new ProtocolError('not-allowed', 'an administrator has to certify the account first');
}

class Planner {
  readonly #vault: UnlockedVault;

  constructor(vault: UnlockedVault) {
    this.#vault = vault;
  }

  async plan(): Promise<RotationPlan> {
    const { data, account } = this.#vault;
    const own = account.keys.accountUid;
    const grants = this.#grants();
    const entries = this.#entries();
    const recovery = await this.#recovery();
    const unsorted: KeyRotationRecipient[] = [
      ...(await this.#people(grants)),
      ...(await this.#teams(grants)),
      ...(await this.#folders(entries)),
      ...(await this.#applications()),
      ...(recovery ? [{ kind: 'recovery' as const, words: recoveryKeyWords(recovery) }] : []),
    ];
    const recipients = unsorted.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
    const all = [...data.book.all()];
    const { shares } = this.#office.parts.shares;
    const preview: KeyRotationPreview = {
      previewUid: newUid(),
      recipients,
      blocked: recipients.some((one) => one.kind === 'person' && one.keys === 'changed'),
      own: {
        records: all.filter((known) => data.book.isOwn(known)).length,
        folders: [...shares.folders.values()].filter(({ ownerUid }) => ownerUid === own).length,
        ...(await this.#counted()),
      },
      written: await this.#written(),
    };
    return { preview, grants, entries, recovery, binding: this.#bindingOf(grants, entries, preview) };
  }

  get #office() {
    return this.#vault.sharing.office;
  }

  /** Those of this account that count, to who has a key in the roster. */
  #grants(): PlannedGrant[] {
    const { shares, rosters, session } = this.#office.parts;
    const rules = shares.shares.rules(rosters.roster);
    return [...shares.shares.allGrants()]
      .flat()
      .filter(({ grant }) => grant.granterUid === this.#office.ownUid)
      .filter(({ grant }) => rules.ofGrant(grant, session.deviceNow()) !== null)
      .flatMap((known) => {
        const to = this.#granteeOf(known);
        return to ? [{ known, to }] : [];
      });
  }

  #granteeOf({ grant: { granteeKind: kind, granteeUid: uid } }: KnownGrant): Grantee | null {
    const { roster } = this.#office.parts.rosters;
    if (kind === 'account') {
      const member = findMember(roster, uid);
      return member && { kind, uid, publicKey: member.ecdhPublicKey };
    }
    const team = roster.teams.find(({ teamUid }) => teamUid === uid);
    return team ? { kind, uid, publicKey: team.ecdhPublicKey, keyVersion: team.keyVersion } : null;
  }

  #entries(): KnownEntry[] {
    const { shares, rosters, session } = this.#office.parts;
    const rules = shares.shares.rules(rosters.roster);
    return [...shares.shares.allEntries()].filter(
      ({ entry }) =>
        entry.authorUid === this.#office.ownUid && rules.ofEntry(entry, session.deviceNow()) !== null,
    );
  }

  async #people(grants: readonly PlannedGrant[]): Promise<KeyRotationRecipient[]> {
    const { pins, rosters } = this.#office.parts;
    const recipients: KeyRotationRecipient[] = [];
    for (const [uid, given] of grantsBy(grants, 'account')) {
      const member = findMember(rosters.roster, uid);
      if (!member) continue;
      const rights = new Set(given.map(({ known }) => shownRights(known.grant.rights).records));
      recipients.push({
        ...{ kind: 'person', uid, email: member.email, words: fingerprintWords(member) },
        ...{ keys: await pins.stateOf(member), rights: [...rights].sort(), ...countsOf(given) },
      });
    }
    return recipients;
  }

  async #teams(grants: readonly PlannedGrant[]): Promise<KeyRotationRecipient[]> {
    const { organisation } = this.#vault;
    const recipients: KeyRotationRecipient[] = [];
    for (const [uid, given] of grantsBy(grants, 'team')) {
      const team = organisation.book.roster.teams.find(({ teamUid }) => teamUid === uid);
      if (!team) continue;
      const name = organisation.book.settings.teamNames.get(uid) ?? '';
      recipients.push({ kind: 'team', uid, name, members: await this.#membersOf(team), ...countsOf(given) });
    }
    return recipients;
  }

  async #membersOf({ memberUids }: RosterTeam): Promise<{ email: string; keys: PinState }[]> {
    const { pins, rosters } = this.#office.parts;
    const members = memberUids.filter((uid) => uid !== this.#office.ownUid);
    return await Promise.all(
      members.map(async (uid) => {
        const member = findMember(rosters.roster, uid);
        return { email: member?.email ?? '', keys: member ? await pins.stateOf(member) : 'changed' };
      }),
    );
  }

  async #folders(entries: readonly KnownEntry[]): Promise<KeyRotationRecipient[]> {
    const { shares } = this.#office.parts;
    const recipients: KeyRotationRecipient[] = [];
    for (const [uid, given] of Map.groupBy(entries, ({ entry }) => entry.folderUid)) {
      const folder = shares.shares.folders.get(uid);
      if (!folder || folder.ownerUid === this.#office.ownUid) continue;
      const name = (await shares.folder(folder))?.name ?? '';
      const ownerEmail = this.#office.emailOf(folder.ownerUid);
      recipients.push({ kind: 'folder', uid, name, ownerEmail, records: given.length });
    }
    return recipients;
  }

  async #applications(): Promise<KeyRotationRecipient[]> {
    const { gateways, data } = this.#vault;
    const names = new Map((await gateways.known()).map(({ pins, name }) => [pins.applicationUid, name]));
    return [...data.writer.shares].map(([uid, records]) => ({
      ...{ kind: 'application' as const, uid, name: names.get(uid) ?? '', records: records.size },
    }));
  }

  async #recovery() {
    const { enrolment, book } = this.#vault.organisation;
    return (await enrolment.state()) === 'enrolled' ? requireIdentityOf(book) : null;
  }

  async #counted(): Promise<{ passkeys: number; shareLinks: number }> {
    const { session } = this.#vault;
    const { passkeys } = await session.call(PasskeyService.method.listPasskeys, {});
    const { links } = await session.call(ShareLinkService.method.listShareLinks, {});
    return { passkeys: passkeys.length, shareLinks: links.length };
  }

  /** Of the records that others own. */
  async #written(): Promise<number> {
    const { book } = this.#vault;
    let written = 0;
    for (const known of book.all())
      if (!book.isOwn(known) && (await writtenBy(this.#vault, known.uid))) written++;
    return written;
  }

  #bindingOf(
    grants: readonly PlannedGrant[],
    entries: readonly KnownEntry[],
    { recipients, own }: KeyRotationPreview,
  ): string {
    // Not the statements themselves: the vault may have made them anew, under a new key of the same thing.
    const given = grants.map(({ known: { grant }, to }) => [
      ...[grant.objectKind, grant.objectUid, grant.granteeUid, grant.expiresAtMs],
      ...[JSON.stringify(grant.rights), encodeBase64url(to.publicKey), to.keyVersion ?? 0],
    ]);
    const placed = entries.map(({ entry }) =>
      [entry.folderUid, entry.recordUid, JSON.stringify(entry.rights)].join(' '),
    );
    const applications = [...this.#vault.data.writer.shares].map(([uid, records]) => [
      uid,
      [...records].sort(),
    ]);
    const { passkeys } = own;
    const shown = recipients.map(asPinned);
    return JSON.stringify([given.map(String).sort(), placed.sort(), applications, shown, passkeys]);
  }
}

/** Whose keys were never seen is pinned before it begins: the very keys are part of the binding. */
function asPinned(recipient: KeyRotationRecipient): KeyRotationRecipient {
  const pinned = (keys: PinState) => (keys === 'new' ? 'pinned' : keys);
  if (recipient.kind === 'person') return { ...recipient, keys: pinned(recipient.keys) };
  if (recipient.kind !== 'team') return recipient;
  return { ...recipient, members: recipient.members.map((one) => ({ ...one, keys: pinned(one.keys) })) };
}

function nameOf(recipient: KeyRotationRecipient): string {
  const name = recipient.kind === 'person' ? recipient.email : 'name' in recipient ? recipient.name : '';
  return `${kindOrder.indexOf(recipient.kind)} ${name} ${'uid' in recipient ? recipient.uid : ''}`;
}

const kindOrder = ['person', 'team', 'folder', 'application', 'recovery'];

/** Whether this account wrote the newest revision of somebody else's record. */
async function writtenBy({ book, account }: UnlockedVault, uid: Uid): Promise<boolean> {
  const { writerUid } = await book.row(uid);
  return encodeBase64url(writerUid) === account.keys.accountUid;
}

function grantsBy(
  grants: readonly PlannedGrant[],
  kind: Grantee['kind'],
): Iterable<[Uid, readonly PlannedGrant[]]> {
  return Map.groupBy(
    grants.filter(({ to }) => to.kind === kind),
    ({ to }) => to.uid,
  );
}

function countsOf(given: readonly PlannedGrant[]): { records: number; folders: number } {
  const folders = given.filter(({ known }) => known.grant.objectKind === 'folder').length;
  return { records: given.length - folders, folders };
}
