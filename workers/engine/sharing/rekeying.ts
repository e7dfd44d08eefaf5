import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EndedSessions, Rekeyed } from '../../api/sharing.ts';
import { encodeBase64, wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import type { FolderEntrySchema, GrantSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import { firstText, withValue, type RecordContent } from '../../../protocol/records/content.ts';
import type { Access } from '../../../protocol/sharing/access.ts';
import type { Grant } from '../../../protocol/sharing/grant.ts';
import { joinOf, type Rights } from '../../../protocol/sharing/rights.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Draft } from '../records/record-writer.ts';
import type { KnownEntry } from './known-shares.ts';
import { sealEntry, sealGrant, type GivenObject } from './share-seal.ts';
import type { SharingOffice, Standing } from './sharing-office.ts';

type GrantMessage = MessageInitShape<typeof GrantSchema>;
type EntryMessage = MessageInitShape<typeof FolderEntrySchema>;

interface Terms {
  readonly rights: Rights;
  readonly expiresAtMs: number;
}

interface Given {
  readonly standing: Standing;
  readonly terms: Terms;
}

/** A record under a new key, before it is stored, and what goes with it. */
interface RenewedRecord {
  readonly draft: Draft;
  readonly given: readonly Given[];
  readonly grants: readonly GrantMessage[];
  readonly entries: readonly EntryMessage[];
}

/** Of one request. */
const most = { drafts: 100, shares: 800 };

/** Who got a new key, and who did not. */
export class RekeyReport {
  readonly #givenTo = new Map<string, boolean>();
  readonly #leftOut = new Set<string>();
  records = 0;
  sessions: EndedSessions = { ended: 0, unreached: 0 };

  given({ name, verified }: Standing): void {
    this.#givenTo.set(name, verified);
  }

  left(name: string): void {
    this.#leftOut.add(name);
  }

  get view(): Rekeyed {
    const givenTo = [...this.#givenTo].map(([name, verified]) => ({ name, verified }));
    const { records, sessions } = this;
    return { givenTo, leftOut: [...this.#leftOut], records, sessions };
  }
}

/**
 * Replaces the keys of own records, so that who lost access is shown nothing new (protocol.md §19.8). A new key goes
 * only to those whose signed grants hold and whose keys are the pinned ones: no list of the server's decides it.
 */
export class Rekeying {
  readonly #office: SharingOffice;

  constructor(office: SharingOffice) {
    this.#office = office;
  }

  /** Own records with new keys, for everybody whose access holds; a batch at a time, each all or none. */
  async records(recordUids: readonly Uid[], report: RekeyReport): Promise<void> {
    let batch: RenewedRecord[] = [];
    let size = 0;
    for (const uid of recordUids) {
      const draft = await this.#office.parts.writer.draftOf(uid);
      const one = await this.#renewed(draft, { ...draft, content: withNewSeed(draft.content) }, report, []);
      const weight = one.grants.length + one.entries.length;
      if (batch.length === most.drafts || (batch.length > 0 && size + weight > most.shares)) {
        await this.#store(batch, report);
        [batch, size] = [[], 0];
      }
      batch.push(one);
      size += weight;
    }
    await this.#store(batch, report);
    this.#office.announceKeys(recordUids);
  }

  /** Writes that draft under a new key, with what the record's grants and entries come to now, and more. */
  async write(before: Draft, after: Draft, report: RekeyReport, more: readonly Given[] = []): Promise<void> {
    await this.#store([await this.#renewed(before, after, report, more)], report);
    this.#office.announceKeys([before.uid]);
  }

  async #renewed(
    before: Draft,
    after: Draft,
    report: RekeyReport,
    more: readonly Given[],
  ): Promise<RenewedRecord> {
    const key = randomBytes(32);
    const former = before.keyVersion ?? 1;
    const keyVersion = former + 1;
    const draft = { ...after, key, keyVersion, formerKey: before.key };
    const ownerUid = this.#office.ownUid;
    const object: GivenObject = { kind: 'record', uid: before.uid, ownerUid, key, keyVersion };
    const formerOwnerUid = before.ownerUid ?? ownerUid;
    const staying = await this.#staying('record', before.uid, formerOwnerUid, former, report);
    const given = [...staying, ...more];
    const grants = await Promise.all(
      given.map(({ standing, terms }) => this.#grant(object, standing, terms)),
    );
    return { draft, given, grants, entries: await this.#entries(object, formerOwnerUid, former, report) };
  }

  async #store(batch: readonly RenewedRecord[], report: RekeyReport): Promise<void> {
    await this.#office.parts.writer.write(
      batch.map(({ draft }) => draft),
      { grants: batch.flatMap(({ grants }) => grants), entries: batch.flatMap(({ entries }) => entries) },
    );
    for (const { draft, given } of batch) {
      for (const { standing } of given) report.given(standing);
      report.records++;
      wipe(draft.key, ...(draft.formerKey ? [draft.formerKey] : []));
    }
  }

  /** Grants of a folder under its new key. */
  async folderGrants(folder: GivenObject, report: RekeyReport): Promise<GrantMessage[]> {
    const former = folder.keyVersion - 1;
    const given = await this.#staying('folder', folder.uid, folder.ownerUid, former, report);
    for (const { standing } of given) report.given(standing);
    return await Promise.all(given.map(({ standing, terms }) => this.#grant(folder, standing, terms)));
  }

  #grant(object: GivenObject, { grantee }: Standing, terms: Terms): Promise<GrantMessage> {
    const issuedAtMs = this.#office.issuedAt(object.kind, object.uid, grantee.uid);
    return sealGrant(this.#office.giver, object, grantee, { ...terms, issuedAtMs });
  }

  /**
   * Everybody whose grant holds now, once, with all that their grants are worth: under the owner's own signature a grant
   * says no more than its granter could give. One that an earlier key was sealed in was not given again when that one was
   * replaced: whoever still shows it has kept what was taken back.
   */
  async #staying(
    kind: 'record' | 'folder',
    uid: Uid,
    ownerUid: Uid,
    keyVersion: number,
    report: RekeyReport,
  ): Promise<Given[]> {
    const { shares, rosters, session } = this.#office.parts;
    const rules = shares.shares.rules(rosters.roster);
    const alive = shares.shares
      .grantsOf(kind, uid)
      .map(({ grant }) => grant)
      .filter((grant) => grant.ownerUid === ownerUid && grant.granteeUid !== this.#office.ownUid)
      .filter((grant) => grant.keyVersion === keyVersion)
      .flatMap((grant) => worthOf(grant, rules.ofGrant(grant, session.deviceNow())));
    const staying: Given[] = [];
    const nameOf = ({ grant }: Worth) => `${grant.granteeKind} ${grant.granteeUid}`;
    for (const worths of Map.groupBy(alive, nameOf).values()) {
      const [{ grant }] = worths as [Worth];
      const { granteeKind, granteeUid } = grant;
      const standing = await this.#office.standing({ kind: granteeKind, uid: granteeUid });
      if (standing) staying.push({ standing, terms: termsOf(worths) });
      else report.left(this.#office.emailOf(granteeUid) || granteeUid);
    }
    return staying;
  }

  async #entries(
    record: GivenObject,
    formerOwnerUid: Uid,
    keyVersion: number,
    report: RekeyReport,
  ): Promise<EntryMessage[]> {
    const { shares, rosters, session } = this.#office.parts;
    const rules = shares.shares.rules(rosters.roster);
    const known = shares.shares
      .entriesOf(record.uid)
      .filter(({ entry }) => entry.recordOwnerUid === formerOwnerUid && entry.recordKeyVersion === keyVersion)
      .map((one) => ({ one, access: rules.ofEntry(one.entry, session.deviceNow()) }));
    const entries = await Promise.all(
      known.flatMap(({ one, access }) => (access === null ? [] : [this.#entry(record, one, access)])),
    );
    if (entries.includes(null)) report.left('a shared folder that this account does not manage');
    return entries.filter((entry) => entry !== null);
  }

  /** With the rights that its author could give. What ends with its author's own access stays theirs: entries have no end. */
  async #entry(record: GivenObject, known: KnownEntry, worth: Access): Promise<EntryMessage | null> {
    const { shares } = this.#office.parts;
    const { entry } = known;
    if (worth.expiresAtMs !== 0) return null;
    const { folderUid, folderOwnerUid } = entry;
    const folder = shares.shares.folders.get(folderUid);
    const access = shares.accessToFolder(folderUid, folderOwnerUid);
    const key = await shares.keyring.ofFolder('full', folderUid, folderOwnerUid);
    if (!folder || !access?.rights.manageRecords || key === null) return null;
    const { keyVersion } = folder.message;
    const place = {
      rights: worth.rights,
      subfolderUid: await shares.placeOf(known),
      issuedAtMs: Math.max(this.#office.parts.session.deviceNow(), entry.issuedAtMs + 1),
    };
    const given: GivenObject = { kind: 'folder', uid: folderUid, ownerUid: folderOwnerUid, key, keyVersion };
    const sealed = await sealEntry(this.#office.giver, given, record, place);
    wipe(key);
    return sealed;
  }
}

/** A grant, and what it comes to for whom it names. */
interface Worth {
  readonly grant: Grant;
  readonly access: Access;
}

function worthOf(grant: Grant, access: Access | null): Worth[] {
  return access === null ? [] : [{ grant, access }];
}

/** Several grants to one grantee: the rights of all, until the first of them ends. */
function termsOf(worths: readonly Worth[]): Terms {
  const [first, ...others] = worths.map(({ access }) => access) as [Access, ...Access[]];
  const ends = [first, ...others].map(({ expiresAtMs }) => expiresAtMs).filter((ms) => ms > 0);
  return {
    rights: others.reduce((rights, access) => joinOf(rights, access.rights), first.rights),
    expiresAtMs: ends.length === 0 ? 0 : Math.min(...ends),
  };
}

/** Who could connect until now derived the session keys from it. */
function withNewSeed(content: RecordContent): RecordContent {
  if (firstText(content, 'trafficEncryptionSeed') === '') return content;
  return withValue(content, 'trafficEncryptionSeed', [encodeBase64(randomBytes(32))]);
}
