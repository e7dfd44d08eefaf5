import type { MessageInitShape } from '@bufbuild/protobuf';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { ApplicationService } from '../../../protocol/messages/gen/application_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import type { ApplicationCopySchema } from '../../../protocol/messages/gen/record_pb.js';
import { applicationKeyOf } from '../../../protocol/session/application-copy.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { sealCopy, sharesOnlyIn, wantedShares, type Share, type Shares } from './application-copies.ts';
import type { Draft } from './draft.ts';
import { entryOf } from './launch-cards.ts';
import type { ConfirmationKeys, MachineConfirmation } from './machine-confirmation.ts';
import type { RecordBook } from './record-book.ts';

export interface CopyParts {
  readonly keys: ConfirmationKeys;
  readonly confirmation: MachineConfirmation;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly sync: () => Promise<void>;
  readonly warn: (message: string) => void;
}

interface Known {
  readonly uid: Uid;
  readonly ownerUid: Uid;
  readonly content: RecordContent;
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
    const { accountUid, signer } = this.#parts.keys;
    const { ownerUid = accountUid, keyVersion = 1, baseRevision } = draft;
    const record = { ...draft, ownerUid, keyVersion, revision: baseRevision + 1n };
    const copyFor = async (application: Uid) =>
      (await this.#maySee(application, record, drafts))
        ? [await sealCopy(application, await this.applicationKey(application, drafts), record, signer)]
        : [];
    return (await Promise.all(applications.map(copyFor))).flat();
  }

  /**
   * A machine whose owner does not stand by where it leads stays at the gateway as it was, and so does a credential
   * that no other machine opens with.
   */
  async #maySee(application: Uid, record: Known, drafts: readonly Draft[] = []): Promise<boolean> {
    const { type } = record.content;
    if (type === 'pamMachine') return await this.#parts.confirmation.isConfirmed(record, drafts);
    if (type === 'pamNetworkConfiguration') return true;
    for (const machine of this.#machinesWith(application, record.uid, drafts)) {
      const opened = drafts.find(({ uid }) => uid === machine) ?? (await this.#parts.book.open(machine));
      if (await this.#parts.confirmation.isConfirmed(opened, drafts)) return true;
    }
    return false;
  }

  /** The application's machines that open with that credential. */
  #machinesWith(application: Uid, credential: Uid, drafts: readonly Draft[]): Uid[] {
    const { book, keys } = this.#parts;
    const drafted = drafts
      .filter((draft) => !draft.deleted)
      .map((draft) => entryOf(draft, keys.accountUid))
      .filter(({ ownerUid }) => ownerUid === keys.accountUid);
    const replaced = new Set(drafts.map(({ uid }) => uid));
    const entries = [...book.wiring().filter(({ uid }) => !replaced.has(uid)), ...drafted];
    const configurations = new Set(
      entries.filter(({ pins }) => pins?.applicationUid === application).map(({ uid }) => uid),
    );
    return entries.flatMap(({ uid, machine }) =>
      machine?.launchCredentialUid === credential &&
      machine.configurationUid !== null &&
      configurations.has(machine.configurationUid)
        ? [uid]
        : [],
    );
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
    const all = this.#wanted();
    const wanted: Shares = new Map([...all].filter(([applicationUid]) => actual.has(applicationUid)));
    const surplus = sharesOnlyIn(actual, wanted).filter(({ applicationUid }) => wanted.has(applicationUid));
    await this.adjust(sharesOnlyIn(wanted, actual), surplus);
  }

  /** Gives applications what they have of these records once more: a device that was behind may have left former copies. */
  async renew(uids: readonly Uid[]): Promise<void> {
    const shares = sharesOnlyIn(this.#wanted(), new Map());
    await this.#share(shares.filter(({ recordUid }) => uids.includes(recordUid)));
  }

  /** Applications have these records no more, until they are made anew. */
  async withdraw(uids: readonly Uid[]): Promise<void> {
    const taken = new Set(uids);
    const shares = sharesOnlyIn(this.#wanted(), new Map());
    await this.adjust(
      [],
      shares.filter(({ recordUid }) => taken.has(recordUid)),
    );
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

  #wanted(): Shares {
    const { book } = this.#parts;
    return wantedShares(book.wiring(), (uid) => book.hasOwn(uid));
  }

  async #share(shares: readonly Share[]): Promise<void> {
    if (shares.length === 0) return;
    const copies = await this.#sealAll(shares, this.#parts.keys.signer);
    if (copies.length === 0) return;
    await this.#parts.session.call(ApplicationService.method.shareRecords, { copies });
  }

  /** Every copy that an application may have, signed by that key. */
  async allSignedBy(signer: Signer): Promise<MessageInitShape<typeof ApplicationCopySchema>[]> {
    return await this.#sealAll(sharesOnlyIn(this.#wanted(), new Map()), signer);
  }

  async #sealAll(
    shares: readonly Share[],
    signer: Signer,
  ): Promise<MessageInitShape<typeof ApplicationCopySchema>[]> {
    const sealed = await Promise.all(
      shares.map(async ({ applicationUid, recordUid }) => {
        const { row, ...record } = await this.#parts.book.open(recordUid);
        if (!(await this.#maySee(applicationUid, record))) return [];
        const key = await this.applicationKey(applicationUid);
        const whole = { ...record, keyVersion: row.keyVersion || 1, revision: row.revision };
        return [await sealCopy(applicationUid, key, whole, signer)];
      }),
    );
    return sealed.flat();
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
