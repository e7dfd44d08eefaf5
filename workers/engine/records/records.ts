import type { FieldPath, RecordReference, RecordView, SaveRecord } from '../../api.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import {
  encodeContent,
  firstValue,
  withValue,
  type RecordContent,
} from '../../../protocol/records/content.ts';
import { filesOf, withoutFile } from '../../../protocol/records/files.ts';
import { templateOf } from '../../../protocol/records/templates.ts';
import { fieldText } from '../../../protocol/records/withholding.ts';
import { newUid, parseUid, type Uid } from '../../../protocol/uid.ts';
import type { CardBook } from '../organising/card-book.ts';
import type { CardWriter } from '../organising/card-writer.ts';
import { accessOf } from '../search/record-lists.ts';
import type { SharedKeys } from '../sharing/shared-keys.ts';
import { LinkIndex } from './link-index.ts';
import type { MachineConfirmation } from './machine-confirmation.ts';
import type { RecordBook } from './record-book.ts';
import { isOrdinary, type RecordEntry } from './record-entry.ts';
import type { OpenedRecord } from './record-opener.ts';
import { completeContent, launchViewOf, viewOf } from './record-view.ts';
import { openPolicy, type Draft, type RecordWriter } from './record-writer.ts';

export interface RecordParts {
  readonly accountUid: Uid;
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly cards: CardBook;
  readonly cardWriter: CardWriter;
  readonly sharing: SharedKeys;
  readonly confirmation: MachineConfirmation;
}

/** The record verbs of an unlocked vault. */
export class Records {
  readonly #parts: RecordParts;
  readonly #links: LinkIndex;

  constructor(parts: RecordParts) {
    this.#parts = parts;
    this.#links = new LinkIndex(parts.book);
  }

  async read(recordUid: Uid): Promise<RecordView> {
    const { book } = this.#parts;
    if (!book.get(recordUid)?.deleted) book.require(recordUid);
    const entry = book.entry(recordUid);
    if (entry?.launchOnly) return await this.#launchView(entry);
    return await this.view(await this.#parts.book.openAny(recordUid));
  }

  async #launchView(entry: RecordEntry): Promise<RecordView> {
    const { book } = this.#parts;
    const row = await book.row(entry.uid);
    const { gatewayUid } = await book.launchCard(entry.uid);
    const { folderUid, favourite, tags } = this.#parts.cards.of(entry.uid);
    const place = {
      gatewayUid,
      unconfirmed: false,
      access: 'launch',
      folderUid,
      favourite,
      tags,
    } as const;
    return launchViewOf(entry, row, place);
  }

  /** An opened record as the page may have it. */
  async view(opened: OpenedRecord): Promise<RecordView> {
    const { accountUid, cards, sharing, confirmation } = this.#parts;
    const { uid, ownerUid } = opened;
    const { folderUid, favourite, tags } = cards.of(uid);
    const access = accessOf({ accountUid, sharing }, { uid, ownerUid, launchOnly: false });
    const ownerKey = ownerUid === accountUid ? null : sharing.signingKeyOf(ownerUid);
    const confirmed =
      ownerKey === null
        ? await confirmation.isConfirmed(opened)
        : confirmation.isConfirmedBy(ownerKey, opened);
    const gatewayUid = this.#gatewayOf(uid);
    return viewOf(opened, { gatewayUid, unconfirmed: !confirmed, access, folderUid, favourite, tags });
  }

  async reveal({ recordUid, field }: { recordUid: Uid; field: FieldPath }): Promise<string> {
    return fieldText((await this.#parts.book.openAny(recordUid)).content, field);
  }

  async linksTo(recordUid: Uid): Promise<RecordReference[]> {
    return await this.#links.linksTo(recordUid);
  }

  async save(input: SaveRecord): Promise<Uid> {
    try {
      return await this.#save(input);
    } catch (error) {
      if (toProtocolError(error)?.code !== 'conflict') throw error;
      return await this.#settle(input, error);
    }
  }

  /** The conflict may be with an earlier try of this very change, whose answer was lost. Throws it when it is not. */
  async #settle(input: SaveRecord, conflict: unknown): Promise<Uid> {
    const uid = input.uid ?? input.newUid;
    if (uid === undefined || !this.#parts.book.has(uid)) throw conflict;
    if (input.uid === undefined) return await this.#save(input);
    const { content } = await this.#parts.writer.draftOf(uid);
    if (encodeContent(completeContent(input, content)) !== encodeContent(content)) throw conflict;
    return uid;
  }

  async #save(input: SaveRecord): Promise<Uid> {
    const { writer, cardWriter } = this.#parts;
    const current = await this.#currentOf(input);
    requireEditable(input.content.type, current);
    requireFresh(input, current);
    const base = current ?? this.#newDraft(input.newUid);
    const content = completeContent(input, current?.content ?? null);
    const connections = input.connectionsAllowed ?? base.policy.connections;
    const policy = { ...base.policy, connections };
    await writer.write([{ ...base, content, policy, confirms: 'further' }]);
    if (input.uid === undefined && input.folderUid)
      await cardWriter.change([base.uid], { folderUid: input.folderUid });
    return base.uid;
  }

  /** Attachments stay behind: their chunks belong to the record that they were made for. */
  async duplicate(recordUid: Uid): Promise<Uid> {
    const { book, writer, cards, cardWriter } = this.#parts;
    const opened = await book.open(recordUid);
    const { content } = opened;
    requireOrdinary(content.type);
    const bare = filesOf(content).reduce((rest, { fileUid }) => withoutFile(rest, fileUid), content);
    const draft = { ...this.#newDraft(), content: completeContent({ content: asCopy(bare) }, null) };
    const stoodBy = await this.#parts.confirmation.isConfirmed(opened);
    await writer.write([stoodBy ? { ...draft, confirms: 'further' } : draft]);
    const { folderUid, tags } = cards.of(recordUid);
    if (folderUid !== null || tags.length > 0) await cardWriter.change([draft.uid], { folderUid, tags });
    return draft.uid;
  }

  /** The key that a person has just accepted. Throws `conflict` for a record that pins another one. */
  async pinHostKey({ recordUid, hostKey }: { recordUid: Uid; hostKey: string }): Promise<void> {
    const { writer } = this.#parts;
    const draft = await writer.draftOf(recordUid);
    const pinned = pinOf(draft.content);
    if (pinned === hostKey) return;
    if (pinned !== '') throw new ProtocolError('conflict', 'the record pins another host key');
    await writer.write([{ ...draft, content: withHostKey(draft.content, hostKey), confirms: 'further' }]);
  }

  /**
   * The owner stands by where a machine leads that somebody else changed: the gateway is given it as it is. The person
   * saw that revision; throws `conflict` for another one, `not-allowed` for a machine of somebody else's.
   */
  async confirmMachine({ recordUid, revision }: { recordUid: Uid; revision: number }): Promise<void> {
    const { writer, accountUid, book } = this.#parts;
    const draft = await writer.draftOf(recordUid);
    if (draft.ownerUid !== accountUid)
      throw new ProtocolError('not-allowed', 'only its owner confirms where a machine leads');
    if (BigInt(revision) !== draft.baseRevision)
      throw new ProtocolError('conflict', 'the record was changed meanwhile');
    await writer.write([{ ...draft, confirms: 'anew' }]);
    const credentialUid = book.entry(recordUid)?.machine?.launchCredentialUid;
    if (credentialUid && book.has(credentialUid)) await writer.renewCopies([credentialUid]);
  }

  /** Of a new record: what an earlier try made of it, if it arrived. */
  async #currentOf({ uid, newUid: wanted }: SaveRecord): Promise<Draft | null> {
    const { writer, book } = this.#parts;
    const known = uid ?? (wanted !== undefined && book.has(wanted) ? wanted : undefined);
    return known === undefined ? null : await writer.draftOf(known);
  }

  #newDraft(uid: Uid = newUid()): Omit<Draft, 'content'> {
    return { uid: parseUid(uid), key: randomBytes(32), baseRevision: 0n, policy: openPolicy };
  }

  /** The gateway that a machine's configuration names; null for other records and for one that is gone. */
  #gatewayOf(recordUid: Uid): Uid | null {
    const { book } = this.#parts;
    const configurationUid = book.entry(recordUid)?.machine?.configurationUid;
    return configurationUid ? (book.entry(configurationUid)?.pins?.controllerUid ?? null) : null;
  }
}

/** A machine's copy is another machine: no signalling key serves two, and no host key is believed for both. */
function asCopy(content: RecordContent): RecordContent {
  const title = `${content.title} (copy)`;
  const fields = content.fields.filter(({ type }) => type !== 'trafficEncryptionSeed');
  return { ...content, title, fields };
}

/** Throws `not-allowed` for types that are made and edited by verbs of their own. */
export function requireOrdinary(type: string): void {
  if (!isOrdinary(type))
    throw new ProtocolError('not-allowed', 'records of this type are not edited by hand');
}

/** An ordinary type; or one that only verbs of its own make, of a record that has it and keeps it. */
function requireEditable(type: string, current: Draft | null): void {
  if (current?.content.type === type && templateOf(type)?.editable) return;
  requireOrdinary(type);
  if (current !== null) requireOrdinary(current.content.type);
}

function requireFresh(input: SaveRecord, current: Draft | null): void {
  if (current === null) return;
  if (input.baseRevision !== undefined && BigInt(input.baseRevision) !== current.baseRevision)
    throw new ProtocolError('conflict', 'the record was changed meanwhile');
}

/** Empty without one. */
function pinOf(content: RecordContent): string {
  const { hostKey } = connectionOf(content).connection;
  return typeof hostKey === 'string' ? hostKey : '';
}

function connectionOf(content: RecordContent) {
  const value = firstValue(content, 'pamSettings');
  const settings = typeof value === 'object' && value !== null ? value : {};
  return { settings, connection: (settings['connection'] ?? {}) as { readonly hostKey?: unknown } };
}

function withHostKey(content: RecordContent, hostKey: string): RecordContent {
  const { settings, connection } = connectionOf(content);
  return withValue(content, 'pamSettings', [{ ...settings, connection: { ...connection, hostKey } }]);
}
