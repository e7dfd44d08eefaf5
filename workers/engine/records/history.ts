import type { FieldDifference, FieldPath, RecordView, RevisionSummary } from '../../api.ts';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  RecordService,
  type FormerKey,
  type FormerRevision,
  type ListHistoryResponse,
} from '../../../protocol/messages/gen/record_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import type { RecordTemplate } from '../../../protocol/records/templates.ts';
import { fieldText } from '../../../protocol/records/withholding.ts';
import { isRevisionSigned } from '../../../protocol/signed/record-signature.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { openRecord, unwrapFormerKey } from '../../../protocol/vault/record-seal.ts';
import { compareContents } from '../../tools/compare.ts';
import type { SharedKeys } from '../sharing/shared-keys.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { withoutConfirmation, type MachineConfirmation } from './machine-confirmation.ts';
import type { RecordBook } from './record-book.ts';
import type { OpenedRecord } from './record-opener.ts';
import { trustedContent } from './record-entry.ts';
import { completeContent } from './record-view.ts';
import { requireOrdinary, type Records } from './records.ts';
import type { RecordWriter } from './record-writer.ts';

export interface HistoryParts {
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  readonly book: RecordBook;
  readonly sharing: SharedKeys;
  readonly writer: RecordWriter;
  readonly records: Records;
  readonly confirmation: MachineConfirmation;
  /** Signing keys that a member has signed over from. */
  readonly formerKeysOf: (accountUid: Uid) => Promise<readonly Bytes[]>;
}

/** A revision as it was, whoever wrote it. */
export interface KeptRevision {
  readonly revision: bigint;
  readonly keyVersion: number;
  readonly content: RecordContent;
}

/** Revisions that are asked for; a record that changes every day for a year has fewer. */
const mostRevisions = 500;
/** Revisions that are opened to find what an owner confirmed last. */
const mostUnconfirmed = 50;

/** Former revisions of records, opened with the keys of their time. */
export class History {
  readonly #parts: HistoryParts;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  async list(recordUid: Uid): Promise<RevisionSummary[]> {
    const { row } = await this.#parts.book.openAny(recordUid);
    const { revisions } = await this.#ask(recordUid, mostRevisions);
    const current = {
      revision: Number(row.revision),
      changedAt: Number(row.changedAtMs),
      writerUid: uidOf(row.writerUid),
      deleted: row.deleted,
      verified: true,
      byFormerKeys: false,
    };
    const former = await Promise.all(revisions.map((one) => this.#summarise(recordUid, one)));
    return [current, ...former.filter(({ revision }) => revision < current.revision)];
  }

  async read(input: { recordUid: Uid; revision: number }): Promise<RecordView> {
    return await this.#parts.records.view(await this.#open(input));
  }

  /** The newest former revision of a machine that its owner stood by; null when none of the last 50 is one. */
  async lastConfirmed(recordUid: Uid): Promise<RecordView | null> {
    const { row } = await this.#parts.book.openAny(recordUid);
    const { revisions } = await this.#ask(recordUid, mostUnconfirmed, row.revision);
    for (const { revision } of revisions.slice(0, mostUnconfirmed)) {
      const view = await this.read({ recordUid, revision: Number(revision) });
      if (!view.unconfirmed) return view;
    }
    return null;
  }

  async reveal(input: { recordUid: Uid; revision: number; field: FieldPath }): Promise<string> {
    return fieldText((await this.#open(input)).content, input.field);
  }

  async compare(
    input: { recordUid: Uid; from: number; to: number },
    custom: readonly RecordTemplate[],
  ): Promise<readonly FieldDifference[]> {
    const { recordUid, from, to } = input;
    const before = await this.#open({ recordUid, revision: from });
    const after = await this.#open({ recordUid, revision: to });
    return compareContents(withoutConfirmation(before.content), withoutConfirmation(after.content), custom);
  }

  async restore({ recordUid, revision }: { recordUid: Uid; revision: number }): Promise<void> {
    const { writer, confirmation } = this.#parts;
    const former = await this.#open({ recordUid, revision });
    requireOrdinary(former.content.type);
    const draft = await writer.draftOf(recordUid);
    const content = withPresentSeed(former.content, draft.content);
    // A person chose it, and had stood by it: their word counts once more.
    const stoodBy = confirmation.wasConfirmed(former);
    await writer.write([{ ...draft, content, ...(stoodBy && { confirms: 'anew' as const }) }]);
  }

  /** The record's key of that version, 32 bytes, the caller's to wipe. Throws `not-found`, `not-allowed`, `open-failed`. */
  async keyOf(recordUid: Uid, keyVersion: number): Promise<Bytes> {
    const current = await this.#parts.book.openAny(recordUid);
    const present = Math.max(keyVersion, 1) === Math.max(current.row.keyVersion, 1);
    const key = await keyAt(
      keyVersion,
      current,
      present ? [] : (await this.#ask(recordUid, mostRevisions)).keys,
    );
    wipe(current.key);
    return key;
  }

  /**
   * Every revision from that one on, the oldest first, the present one last. Throws `not-found` when one of them is not shown:
   * what was left out could say that something was done.
   */
  async since(recordUid: Uid, revision: bigint): Promise<readonly KeptRevision[]> {
    const current = await this.#parts.book.openAny(recordUid);
    const { row } = current;
    const count = Number(row.revision - revision);
    if (count < 0 || count > mostRevisions) throw new ProtocolError('not-found', 'there is no such revision');
    const { revisions, keys } =
      count > 0 ? await this.#ask(recordUid, count, row.revision) : { revisions: [], keys: [] };
    const former = revisions.slice(0, count).toReversed();
    if (former.length < count || former.some((one, at) => one.revision !== revision + BigInt(at)))
      throw new ProtocolError('not-found', 'a revision is not kept any more');
    const kept: KeptRevision[] = [];
    for (const one of former) {
      await this.#verify(recordUid, one);
      const key = await keyAt(one.keyVersion, current, keys);
      const scope = { recordUid, ownerUid: uidOf(one.ownerUid) };
      const content = await openRecord(key, scope, one.revision, one.sealedData);
      wipe(key);
      kept.push({ revision: one.revision, keyVersion: Math.max(one.keyVersion, 1), content });
    }
    wipe(current.key);
    return [
      ...kept,
      { revision: row.revision, keyVersion: Math.max(row.keyVersion, 1), content: current.content },
    ];
  }

  async #open({ recordUid, revision }: { recordUid: Uid; revision: number }): Promise<OpenedRecord> {
    const current = await this.#parts.book.openAny(recordUid);
    if (Number(current.row.revision) === revision) return current;
    const { revisions, keys } = await this.#ask(recordUid, 1, BigInt(revision) + 1n);
    const former = revisions.find((one) => one.revision === BigInt(revision));
    if (!former) throw new ProtocolError('not-found', 'there is no such revision');
    await this.#verify(recordUid, former);
    const key = await keyAt(former.keyVersion, current, keys);
    const ownerUid = uidOf(former.ownerUid);
    const said = await openRecord(key, { recordUid, ownerUid }, former.revision, former.sealedData);
    wipe(key);
    const { changedAtMs, deleted, keyVersion } = former;
    const byItsOwner = ownerUid === this.#parts.keys.accountUid && uidOf(former.writerUid) === ownerUid;
    const content = trustedContent(said, { byItsOwner, keyVersion });
    return { ...current, content, row: { ...current.row, revision: former.revision, changedAtMs, deleted } };
  }

  /** The newest `most` revisions below `before` (0: from the newest). */
  async #ask(
    recordUid: Uid,
    most: number,
    before = 0n,
  ): Promise<Pick<ListHistoryResponse, 'revisions' | 'keys'>> {
    const revisions: FormerRevision[] = [];
    const keys: FormerKey[] = [];
    for (let from = before; ;) {
      const request = { recordUid: uidBytes(recordUid), beforeRevision: from };
      const page = await this.#parts.session.call(RecordService.method.listHistory, request);
      revisions.push(...page.revisions);
      keys.push(...page.keys);
      const last = page.revisions.at(-1)?.revision;
      if (!page.hasMore || last === undefined || revisions.length >= most) return { revisions, keys };
      if (from !== 0n && last >= from) throw new ProtocolError('malformed', 'the history does not move');
      from = last;
    }
  }

  async #summarise(recordUid: Uid, former: FormerRevision): Promise<RevisionSummary> {
    const { revision, changedAtMs, writerUid, deleted } = former;
    const signature = await this.#verify(recordUid, former);
    return {
      revision: Number(revision),
      changedAt: Number(changedAtMs),
      writerUid: uidOf(writerUid),
      deleted,
      verified: signature === 'holds',
      byFormerKeys: signature === 'former-keys',
    };
  }

  /** By which what that account wrote proves itself, also once it has left; and keys that it has given up. */
  async authorKeysOf(accountUid: Uid): Promise<{ current: Bytes | null; former: readonly Bytes[] }> {
    const { keys, sharing, formerKeysOf } = this.#parts;
    const known = sharing.signingKeyOf(accountUid) ?? sharing.departedKeyOf(accountUid);
    const current = accountUid === keys.accountUid ? keys.signer.publicKey : known;
    return { current, former: await formerKeysOf(accountUid) };
  }

  /**
   * `unknown` for a writer whose key is not known any more; `former-keys` for one who has given that key up: whoever has it
   * by now could have signed. Throws `bad-signature`.
   */
  async #verify(recordUid: Uid, former: FormerRevision): Promise<'holds' | 'former-keys' | 'unknown'> {
    const { keys, sharing, formerKeysOf } = this.#parts;
    const writerUid = uidOf(former.writerUid);
    const key = writerUid === keys.accountUid ? keys.signer.publicKey : sharing.signingKeyOf(writerUid);
    if (key === null) return 'unknown';
    const { revision, keyVersion, deleted, launchHash, sealedData, signature } = former;
    const scope = { recordUid, ownerUid: uidOf(former.ownerUid) };
    const statement = { ...scope, revision, keyVersion, deleted, dataHash: sha256(sealedData), launchHash };
    if (await isRevisionSigned(key, statement, signature)) return 'holds';
    const others = await formerKeysOf(writerUid);
    for (const other of others) if (await isRevisionSigned(other, statement, signature)) return 'former-keys';
    throw new ProtocolError('bad-signature');
  }
}

/** The key of that version: every former key is under the one that replaced it. Throws `open-failed`. */
async function keyAt(version: number, current: OpenedRecord, former: readonly FormerKey[]): Promise<Bytes> {
  let key = copy(current.key);
  for (let at = Math.max(current.row.keyVersion, 1) - 1; at >= Math.max(version, 1); at--) {
    const sealed = former.find(({ keyVersion }) => keyVersion === at)?.sealedKey;
    if (!sealed) throw new ProtocolError('open-failed', 'the key of that revision is gone');
    const before = await unwrapFormerKey(key, current.uid, at, sealed);
    wipe(key);
    key = before;
  }
  return key;
}

/** A seed that was replaced, because somebody lost access, does not come back. */
function withPresentSeed(content: RecordContent, present: RecordContent): RecordContent {
  const fields = content.fields.filter(({ type }) => type !== 'trafficEncryptionSeed');
  return completeContent({ content: { ...content, fields } }, present);
}
