import type { MessageInitShape } from '@bufbuild/protobuf';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { ApplicationService } from '../../../protocol/messages/gen/application_pb.js';
import {
  RecordService,
  type RecordChangeSchema,
  type RecordPolicy,
} from '../../../protocol/messages/gen/record_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { filesOf } from '../../../protocol/records/files.ts';
import { applicationKeyOf } from '../../../protocol/session/application-copy.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { sealRecord, wrapRecordKey } from '../../../protocol/vault/record-seal.ts';
import { inTurn } from '../exclusive.ts';
import { sealCopy, sharesOnlyIn, wantedShares, type Share, type Shares } from './application-copies.ts';
import type { OpenedRecord, RecordBook } from './record-book.ts';
import { describeRecord } from './record-entry.ts';
import type { Sync } from '../sync.ts';
import type { VaultSession } from '../vault-session.ts';

/** A record as it is to be, before it is sealed. */
export interface Draft {
  readonly uid: Uid;
  /** 32 raw bytes. */
  readonly key: Bytes;
  /** 0 for a new record. */
  readonly baseRevision: bigint;
  readonly content: RecordContent;
  readonly policy: Pick<RecordPolicy, 'connections' | 'launchUntilMs' | 'maxSessions'>;
}

export interface WriterParts {
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  readonly book: RecordBook;
  readonly sync: Sync;
  readonly warn: (message: string) => void;
}

/** Seals and stores records, and keeps every application's copies in step with them. */
export class RecordWriter {
  readonly #parts: WriterParts;
  /** What applications are to have is worked out from all records: two changes at once would undo each other. */
  readonly #oneByOne = inTurn();

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** All drafts or none. Throws `conflict` when one was changed meanwhile. */
  write(drafts: readonly Draft[]): Promise<void> {
    return this.#oneByOne('write', () => this.#write(drafts));
  }

  /** Leaves tombstones; applications lose what only these records gave them. Throws `conflict`. */
  remove(uids: readonly Uid[]): Promise<void> {
    return this.#oneByOne('write', () => this.#remove(uids));
  }

  /** Syncs, and makes the server's shares what the sealed records say: a step that was cut off earlier is made up for. */
  reconcile(): Promise<void> {
    return this.#oneByOne('write', () => this.#reconcile());
  }

  /** Gives applications what they have of these records once more: a device that was behind may have left former copies. */
  renewCopies(uids: readonly Uid[]): Promise<void> {
    return this.#oneByOne('write', async () => {
      const shares = wantedShares(await this.#parts.book.entries());
      const theirs = sharesOnlyIn(shares, new Map());
      await this.#share(theirs.filter(({ recordUid }) => uids.includes(recordUid)));
    });
  }

  /** A record as it is now, to be changed. Throws `not-found` or `open-failed`. */
  async draftOf(uid: Uid): Promise<Draft> {
    const record = await this.#parts.book.open(uid);
    return draftFrom(record, record.row.revision);
  }

  /** A deleted record as it was: a tombstone may be written over from its own revision. Throws `not-found`. */
  async deletedDraftOf(uid: Uid): Promise<Draft> {
    const { record, tombstoneRevision } = await this.#parts.book.openDeleted(uid);
    return draftFrom(record, tombstoneRevision);
  }

  /** The key of an application, from its record among the drafts or in the vault. */
  async applicationKey(applicationUid: Uid, drafts: readonly Draft[] = []): Promise<Bytes> {
    const draft = drafts.find(({ uid }) => uid === applicationUid);
    const recordKey = copy(draft?.key ?? (await this.#parts.book.open(applicationUid)).key);
    const key = applicationKeyOf(recordKey, applicationUid);
    wipe(recordKey);
    return key;
  }

  async #write(drafts: readonly Draft[]): Promise<void> {
    const { before, after } = await this.#sharesWith(drafts);
    const changes = await Promise.all(drafts.map((draft) => this.#seal(draft, drafts, after)));
    await this.#parts.session.call(RecordService.method.putRecords, { changes });
    await this.#pull();
    const written = new Set(drafts.map(({ uid }) => uid));
    const added = sharesOnlyIn(after, before).filter(({ recordUid }) => !written.has(recordUid));
    await this.#adjust(added, sharesOnlyIn(before, after));
  }

  async #remove(uids: readonly Uid[]): Promise<void> {
    const before = wantedShares(await this.#parts.book.entries());
    const records = uids.map((uid) => ({
      recordUid: uidBytes(uid),
      revision: this.#parts.book.row(uid).revision,
    }));
    await this.#parts.session.call(RecordService.method.deleteRecords, { records });
    await this.#pull();
    const after = wantedShares(await this.#parts.book.entries());
    // The server drops the copies of a deleted record, and of a deleted application, by itself.
    const left = sharesOnlyIn(before, after).filter(
      ({ applicationUid, recordUid }) => after.has(applicationUid) && !uids.includes(recordUid),
    );
    await this.#adjust([], left);
  }

  async #reconcile(): Promise<void> {
    const answer = await this.#parts.session.call(ApplicationService.method.listApplications, {});
    const actual: Shares = new Map(
      answer.applications.map((one) => [uidOf(one.applicationUid), new Set(one.recordUids.map(uidOf))]),
    );
    // After the list: what another device shared meanwhile is then not taken for surplus.
    await this.#parts.sync.run();
    const all = wantedShares(await this.#parts.book.entries());
    const wanted: Shares = new Map([...all].filter(([applicationUid]) => actual.has(applicationUid)));
    const surplus = sharesOnlyIn(actual, wanted).filter(({ applicationUid }) => wanted.has(applicationUid));
    await this.#adjust(sharesOnlyIn(wanted, actual), surplus);
  }

  /** The change is made by now: to report a failure here would have a person make it twice. */
  async #pull(): Promise<void> {
    try {
      await this.#parts.sync.run();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`a change was made and could not be read back: ${error.code}`);
    }
  }

  async #sharesWith(drafts: readonly Draft[]): Promise<{ before: Shares; after: Shares }> {
    const entries = await this.#parts.book.entries();
    const drafted = drafts.map(({ uid, content }) => describeRecord(uid, { changedAtMs: 0n }, content));
    const uids = new Set(drafts.map(({ uid }) => uid));
    const after = [...entries.filter(({ uid }) => !uids.has(uid)), ...drafted];
    return { before: wantedShares(entries), after: wantedShares(after) };
  }

  async #seal(
    draft: Draft,
    drafts: readonly Draft[],
    shares: Shares,
  ): Promise<MessageInitShape<typeof RecordChangeSchema>> {
    const { uid, key, baseRevision, content, policy } = draft;
    const { accountUid, dataKey } = this.#parts.keys;
    const scope = { recordUid: uid, ownerUid: accountUid };
    const revision = baseRevision + 1n;
    const applications = [...shares]
      .filter(([, records]) => records.has(uid))
      .map(([application]) => application);
    const copyFor = async (application: Uid) =>
      sealCopy(application, await this.applicationKey(application, drafts), draft, revision);
    return {
      recordUid: uidBytes(uid),
      baseRevision,
      sealedKey: await wrapRecordKey(dataKey, scope, key),
      sealedData: await sealRecord(key, scope, revision, content),
      policy,
      fileUids: filesOf(content).map(({ fileUid }) => uidBytes(fileUid)),
      applicationCopies: await Promise.all(applications.map(copyFor)),
    };
  }

  /** The record itself is saved by now: what fails here is made up for by the next reconcile, and said. */
  async #adjust(added: readonly Share[], removed: readonly Share[]): Promise<void> {
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
        return await sealCopy(
          applicationUid,
          await this.applicationKey(applicationUid),
          record,
          record.row.revision,
        );
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

function draftFrom({ uid, key, row, content }: OpenedRecord, baseRevision: bigint): Draft {
  const { connections, launchUntilMs, maxSessions } = row.policy ?? openPolicy;
  return { uid, key, baseRevision, content, policy: { connections, launchUntilMs, maxSessions } };
}

/** What a new record allows. */
export const openPolicy = { connections: true, launchUntilMs: 0n, maxSessions: 0 };
