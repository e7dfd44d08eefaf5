import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { SealedManifestSchema } from '../../../protocol/messages/gen/manifest_pb.js';
import { RecordService, type PutRecordsRequestSchema } from '../../../protocol/messages/gen/record_pb.js';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import { inTurn } from '../exclusive.ts';
import type { ManifestChange } from '../manifest/manifest-keeper.ts';
import type { OwnWrites } from '../manifest/own-writes.ts';
import { requireGoing } from '../organising/bulk-runs.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { sharesOnlyIn, wantedShares, type Shares } from './application-copies.ts';
import type { CopyKeeper } from './copy-keeper.ts';
import { draftFrom, openPolicy, type Draft } from './draft.ts';
import { coveredBy, elementOf } from './known-record.ts';
import { entryOf } from './launch-cards.ts';
import type { MachineConfirmation } from './machine-confirmation.ts';
import type { RecordBook } from './record-book.ts';
import type { RecordSealer, SealedDraft } from './record-sealer.ts';

export { openPolicy, type Draft };

export interface WriterParts {
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  readonly book: RecordBook;
  readonly sealer: RecordSealer;
  readonly copies: CopyKeeper;
  readonly confirmation: MachineConfirmation;
  readonly writes: OwnWrites;
  readonly sync: () => Promise<void>;
  /** Whether anybody but its owner has the record. */
  readonly isShared: (recordUid: Uid) => boolean;
}

/** What goes with a new record key in the same step. */
export type KeyWraps = Pick<MessageInitShape<typeof PutRecordsRequestSchema>, 'grants' | 'entries'>;

export interface BatchOptions {
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Drafts in one request: well under the server's bounds, so that progress is seen. */
const batch = { drafts: 200, bytes: limits.apiBody / 4 };

/** How often drafts are written against other devices that confirm machines too. */
const mostAttempts = 4;

/** Seals and stores records, and keeps every application's copies in step with them. */
export class RecordWriter {
  readonly #parts: WriterParts;
  /** What applications are to have is worked out from all records: two changes at once would undo each other. */
  readonly #oneByOne = inTurn();

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** All drafts or none. Throws `conflict` when one was changed meanwhile. */
  write(drafts: readonly Draft[], wraps: KeyWraps = {}): Promise<void> {
    return this.#oneByOne('write', () => this.#attempt(drafts, wraps));
  }

  /** Any number of drafts, a batch at a time: each batch all or none. Throws `cancelled` between two batches. */
  async writeMany(drafts: readonly Draft[], { onProgress, signal }: BatchOptions = {}): Promise<void> {
    let done = 0;
    for (const part of inBatches(drafts)) {
      requireGoing(signal);
      await this.write(part);
      done += part.length;
      onProgress?.(done, drafts.length);
    }
  }

  /** Removes own records of the trash for good. Throws `conflict`. */
  purge(uids: readonly Uid[]): Promise<void> {
    return this.#oneByOne('write', async () => {
      for (let i = 0; i < uids.length; i += limits.changesPerRequest)
        await this.#purge(uids.slice(i, i + limits.changesPerRequest));
      await this.#forgetMachines(uids);
    });
  }

  /** Trashes and purges in one go what is no person's to bring back. */
  async remove(uids: readonly Uid[]): Promise<void> {
    const drafts = await Promise.all(uids.map((uid) => this.draftOf(uid)));
    await this.write(drafts.map((draft) => ({ ...draft, deleted: true })));
    await this.purge(uids);
  }

  /** Syncs, and makes the server's shares what the sealed records say: a step that was cut off earlier is made up for. */
  reconcile(): Promise<void> {
    return this.#oneByOne('write', () => this.#parts.copies.reconcile());
  }

  /** Gives applications what they have of these records once more: a device that was behind may have left former copies. */
  renewCopies(uids: readonly Uid[]): Promise<void> {
    return this.#oneByOne('write', () => this.#parts.copies.renew(uids));
  }

  /** Takes the copies of these records away from applications. */
  withdrawCopies(uids: readonly Uid[]): Promise<void> {
    return this.#oneByOne('write', () => this.#parts.copies.withdraw(uids));
  }

  /** Writes own machines anew whose launch card does not say how to connect to them now: before they are shared. */
  refreshLaunch(uids: readonly Uid[]): Promise<void> {
    return this.#oneByOne('write', () => this.#refreshLaunch(uids));
  }

  /** A record as it is now, to be changed. Throws `not-found` or `open-failed`. */
  async draftOf(uid: Uid): Promise<Draft> {
    return draftFrom(await this.#parts.book.open(uid));
  }

  /** What applications are to have. */
  get shares(): Shares {
    const { book } = this.#parts;
    return wantedShares(book.wiring(), (uid) => book.hasOwn(uid));
  }

  /** Every copy that an application may have, as that key of the account signs it. */
  copiesSignedBy(signer: Signer): ReturnType<CopyKeeper['allSignedBy']> {
    return this.#parts.copies.allSignedBy(signer);
  }

  /** The key of an application, from its record. */
  applicationKey(applicationUid: Uid): Promise<Bytes> {
    return this.#parts.copies.applicationKey(applicationUid);
  }

  /** Again when another device changed no more than the list that goes with the drafts. */
  async #attempt(drafts: readonly Draft[], wraps: KeyWraps): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(drafts, wraps);
      } catch (error) {
        if (toProtocolError(error)?.code !== 'conflict' || attempt === mostAttempts) throw error;
        const { book } = this.#parts;
        const isBehind = drafts.some((one) => BigInt(book.get(one.uid)?.revision ?? 0) !== one.baseRevision);
        if (isBehind || drafts.every(({ confirms }) => confirms === undefined)) throw error;
      }
    }
  }

  async #write(given: readonly Draft[], wraps: KeyWraps): Promise<void> {
    if (given.length === 0) return;
    const drafts = await this.#parts.confirmation.settle(given);
    const { before, after } = this.#sharesWith(drafts);
    const sealed = await Promise.all(drafts.map((draft) => this.#parts.sealer.seal(draft, drafts, after)));
    const [own, others] = [true, false].map((mine) =>
      sealed.filter(({ draft }) => this.#isOwn(draft) === mine),
    );
    if (own?.length) await this.#putOwn(own, wraps);
    if (others?.length) await this.#putOthers(others, own?.length ? {} : wraps);
    const written = new Set(drafts.map(({ uid }) => uid));
    const added = sharesOnlyIn(after, before).filter(({ recordUid }) => !written.has(recordUid));
    const removed = sharesOnlyIn(before, after).filter(({ applicationUid }) => after.has(applicationUid));
    await this.#parts.copies.adjust(added, removed);
    await this.#followLaunch(written);
  }

  /** Others connect by a machine's launch card: it names gateway, credential and jump machine as they are now. */
  async #followLaunch(written: ReadonlySet<Uid>): Promise<void> {
    const { book, isShared } = this.#parts;
    const behind = book.ofType('pamMachine').filter(({ uid, machine }) => {
      if (machine === null || written.has(uid)) return false;
      const { configurationUid, launchCredentialUid, jumpMachineUid } = machine;
      const jump = jumpMachineUid === null ? null : (book.entry(jumpMachineUid)?.machine ?? null);
      const named = [
        configurationUid,
        launchCredentialUid,
        jumpMachineUid,
        jump?.launchCredentialUid ?? null,
      ];
      return named.some((linked) => linked !== null && written.has(linked));
    });
    await this.#refreshLaunch(behind.map(({ uid }) => uid).filter(isShared));
  }

  async #refreshLaunch(uids: readonly Uid[]): Promise<void> {
    const { book, sealer } = this.#parts;
    const machines = uids.filter((uid) => {
      const known = book.get(uid);
      return known?.entry?.machine && !known.deleted && book.isOwn(known);
    });
    const drafts = await Promise.all(machines.map((uid) => this.draftOf(uid)));
    const stale: Draft[] = [];
    for (const draft of drafts) if (await sealer.isLaunchStale(draft)) stale.push(draft);
    for (const part of inBatches(stale)) await this.#write(part, {});
  }

  async #putOwn(sealed: readonly SealedDraft[], wraps: KeyWraps): Promise<void> {
    const changes = sealed.map(({ change }) => change);
    for (const { element } of sealed) this.#parts.book.expect(element.uid, coveredBy(element));
    await this.#parts.writes.run({
      change: () => this.#changeOf(sealed),
      send: (manifest: MessageInitShape<typeof SealedManifestSchema>) =>
        this.#parts.session.call(RecordService.method.putRecords, { changes, manifest, ...wraps }),
    });
  }

  async #putOthers(sealed: readonly SealedDraft[], wraps: KeyWraps): Promise<void> {
    const changes = sealed.map(({ change }) => change);
    await this.#parts.session.call(RecordService.method.putRecords, { changes, ...wraps });
    await this.#parts.sync();
  }

  #changeOf(sealed: readonly SealedDraft[]): ManifestChange {
    const { book } = this.#parts;
    const out = sealed.flatMap(({ draft: { uid, baseRevision } }) => {
      const known = book.get(uid);
      if (BigInt(known?.revision ?? 0) !== baseRevision)
        throw new ProtocolError('conflict', 'the record was changed meanwhile');
      return known && book.isOwn(known) ? [elementOf(known)] : [];
    });
    return { out, in: sealed.map(({ element }) => element) };
  }

  /** The purge is done by now, and a line about a machine that is gone does no harm. */
  async #forgetMachines(uids: readonly Uid[]): Promise<void> {
    try {
      await this.#write(await this.#parts.confirmation.without(uids), {});
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  async #purge(uids: readonly Uid[]): Promise<void> {
    const { book, writes, session } = this.#parts;
    const known = uids.map((uid) => {
      const one = book.get(uid);
      if (!one?.deleted || !book.isOwn(one)) throw new ProtocolError('not-found', 'it is not in the trash');
      return one;
    });
    const records = known.map(({ uid, revision }) => ({
      recordUid: uidBytes(uid),
      revision: BigInt(revision),
    }));
    await writes.run({
      change: () => {
        const now = known.flatMap(({ uid, revision }) => {
          const one = book.get(uid);
          return one?.revision === revision ? [one] : [];
        });
        if (now.length < known.length) throw new ProtocolError('conflict', 'the trash was changed meanwhile');
        return { out: now.map(elementOf), in: [] };
      },
      send: (manifest) => session.call(RecordService.method.purgeRecords, { records, manifest }),
    });
  }

  #sharesWith(drafts: readonly Draft[]): { before: Shares; after: Shares } {
    const { book, keys } = this.#parts;
    const entries = book.wiring();
    const own = drafts.filter((draft) => this.#isOwn(draft) && !draft.deleted);
    const drafted = own.map((draft) => entryOf(draft, keys.accountUid));
    const uids = new Set(drafts.map(({ uid }) => uid));
    const after = [...entries.filter(({ uid }) => !uids.has(uid)), ...drafted];
    const isThere = (uid: Uid) => book.hasOwn(uid);
    const remains = (uid: Uid) =>
      uids.has(uid) ? drafted.some((entry) => entry.uid === uid) : book.hasOwn(uid);
    return { before: wantedShares(entries, isThere), after: wantedShares(after, remains) };
  }

  #isOwn({ ownerUid }: Draft): boolean {
    return (ownerUid ?? this.#parts.keys.accountUid) === this.#parts.keys.accountUid;
  }
}

function* inBatches(drafts: readonly Draft[]): Generator<readonly Draft[]> {
  let part: Draft[] = [];
  let bytes = 0;
  for (const draft of drafts) {
    const size = JSON.stringify(draft.content).length + 1024;
    if (part.length > 0 && (part.length === batch.drafts || bytes + size > batch.bytes)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(draft);
    bytes += size;
  }
  if (part.length > 0) yield part;
}
