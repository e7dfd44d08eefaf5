import type { MessageInitShape } from '@bufbuild/protobuf';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { ApplicationService } from '../../../protocol/messages/gen/application_pb.js';
import type { ApplicationCopySchema } from '../../../protocol/messages/gen/record_pb.js';
import { applicationKeyOf } from '../../../protocol/session/application-copy.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../vault-session.ts';
import { sealCopy, sharesOnlyIn, wantedShares, type Share, type Shares } from './application-copies.ts';
import type { Draft } from './draft.ts';
import type { RecordBook } from './record-book.ts';

export interface CopyParts {
  readonly accountUid: Uid;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly sync: () => Promise<void>;
  readonly warn: (message: string) => void;
}

/** Keeps every application's copies in step with the records. */
export class CopyKeeper {
  readonly #parts: CopyParts;

  constructor(parts: CopyParts) {
    this.#parts = parts;
  }

  /** The copies that go with a draft, in the same step. */
  async copiesOf(
    draft: Draft,
    drafts: readonly Draft[],
    shares: Shares,
  ): Promise<MessageInitShape<typeof ApplicationCopySchema>[]> {
    const applications = [...shares].filter(([, records]) => records.has(draft.uid)).map(([uid]) => uid);
    const owned = { ...draft, ownerUid: draft.ownerUid ?? this.#parts.book.accountUid };
    const copyFor = async (application: Uid) =>
      sealCopy(application, await this.applicationKey(application, drafts), owned, draft.baseRevision + 1n);
    return await Promise.all(applications.map(copyFor));
  }

  /** The key of an application, from its record among the drafts or in the vault. */
  async applicationKey(applicationUid: Uid, drafts: readonly Draft[] = []): Promise<Bytes> {
    const draft = drafts.find(({ uid }) => uid === applicationUid);
    const recordKey = copy(draft?.key ?? (await this.#parts.book.open(applicationUid)).key);
    const key = applicationKeyOf(recordKey, applicationUid);
    wipe(recordKey);
    return key;
  }

  /** Makes the server's shares what the sealed records say: a step that was cut off earlier is made up for. */
  async reconcile(): Promise<void> {
    const answer = await this.#parts.session.call(ApplicationService.method.listApplications, {});
    const actual: Shares = new Map(
      answer.applications.map((one) => [uidOf(one.applicationUid), new Set(one.recordUids.map(uidOf))]),
    );
    // After the list: what another device shared meanwhile is then not taken for surplus.
    await this.#parts.sync();
    const all = wantedShares(this.#parts.book.entries());
    const wanted: Shares = new Map([...all].filter(([applicationUid]) => actual.has(applicationUid)));
    const surplus = sharesOnlyIn(actual, wanted).filter(({ applicationUid }) => wanted.has(applicationUid));
    await this.adjust(sharesOnlyIn(wanted, actual), surplus);
  }

  /** Gives applications what they have of these records once more: a device that was behind may have left former copies. */
  async renew(uids: readonly Uid[]): Promise<void> {
    const shares = sharesOnlyIn(wantedShares(this.#parts.book.entries()), new Map());
    await this.#share(shares.filter(({ recordUid }) => uids.includes(recordUid)));
  }

  /** The record itself is saved by now: what fails here is made up for by the next reconcile, and said. */
  async adjust(added: readonly Share[], removed: readonly Share[]): Promise<void> {
    try {
      await this.#unshare(removed);
      await this.#share(added);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`the copies of a gateway could not be brought up to date: ${error.code}`);
    }
  }

  async #share(shares: readonly Share[]): Promise<void> {
    if (shares.length === 0) return;
    const copies = await Promise.all(
      shares.map(async ({ applicationUid, recordUid }) => {
        const record = await this.#parts.book.open(recordUid);
        const key = await this.applicationKey(applicationUid);
        return await sealCopy(applicationUid, key, record, record.row.revision);
      }),
    );
    await this.#parts.session.call(ApplicationService.method.shareRecords, { copies });
  }

  async #unshare(shares: readonly Share[]): Promise<void> {
    for (const [applicationUid, records] of Map.groupBy(shares, (share) => share.applicationUid)) {
      await this.#parts.session.call(ApplicationService.method.unshareRecords, {
        applicationUid: uidBytes(applicationUid),
        recordUids: records.map(({ recordUid }) => uidBytes(recordUid)),
      });
    }
  }
}
