import type { BulkResult } from '../../api/organising.ts';
import type { MachineToConfirm } from '../../api/records.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { readHostname, readPamSettings } from '../../../protocol/records/pam-settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { requireGoing, type BulkRuns, type BulkWatch } from '../organising/bulk-runs.ts';
import type { Draft } from './draft.ts';
import type { MachineConfirmation } from './machine-confirmation.ts';
import type { RecordBook } from './record-book.ts';
import type { BatchOptions, RecordWriter } from './record-writer.ts';

export interface BulkConfirmationParts {
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly confirmation: MachineConfirmation;
  readonly bulk: BulkRuns;
}

/** A machine as the person saw it. */
export interface SeenMachine {
  readonly recordUid: Uid;
  readonly revision: number;
}

/** Machines of one request: each brings its copy for the gateway, and all of them a line of the list. */
const machinesAtOnce = 100;

/**
 * Own machines that nobody has stood by yet, such as imported ones, confirmed in one go after the person has been shown
 * where each leads. One that was confirmed before and leads elsewhere now is not among them: that is looked at by itself.
 * protocol.md §10.8.
 */
export class BulkConfirmation {
  readonly #parts: BulkConfirmationParts;

  constructor(parts: BulkConfirmationParts) {
    this.#parts = parts;
  }

  /** Of these records, or of all own ones. Records of other kinds, and machines that say no host, are left out. */
  async machines(uids: readonly Uid[] | null): Promise<readonly MachineToConfirm[]> {
    const { book } = this.#parts;
    const among = uids && new Set(uids);
    const entries = book
      .entries()
      .filter(({ uid, type }) => type === 'pamMachine' && among?.has(uid) !== false);
    const found: MachineToConfirm[] = [];
    for (const { uid } of entries) {
      const { content, key, row } = await book.open(uid);
      wipe(key);
      const way = wayOf(content);
      if (way === null || !(await this.#isNew(uid, content))) continue;
      const { credentialUid, ...place } = way;
      const user = credentialUid === null ? null : book.entry(credentialUid);
      const login = user === null ? '' : user.login || user.title;
      found.push({ uid, revision: Number(row.revision), title: content.title, ...place, user: login });
    }
    return found;
  }

  /** Throws `conflict` for one that was changed since it was seen, `not-allowed` for one that is not to be confirmed here. */
  async confirm(seen: readonly SeenMachine[], watch?: BulkWatch): Promise<BulkResult> {
    for (const { recordUid } of seen) this.#requireOwn(recordUid);
    return await this.#parts.bulk.runUndoable(
      { of: seen.length, ...watch },
      (options) => this.#confirm(seen, options),
      (done, options) => this.#takeBack(seen.slice(0, done), options),
    );
  }

  async #confirm(seen: readonly SeenMachine[], { signal, onProgress }: BatchOptions): Promise<void> {
    const { writer, book } = this.#parts;
    for (let at = 0; at < seen.length; at += machinesAtOnce) {
      requireGoing(signal);
      const part = seen.slice(at, at + machinesAtOnce);
      await writer.write(await Promise.all(part.map((machine) => this.#draftOf(machine))));
      const credentials = part.flatMap(({ recordUid }) => {
        const uid = book.entry(recordUid)?.machine?.launchCredentialUid;
        return uid && book.has(uid) ? [uid] : [];
      });
      await writer.renewCopies([...new Set(credentials)]);
      onProgress?.(at + part.length, seen.length);
    }
  }

  /** Off the list, and away from their gateways. */
  async #takeBack(seen: readonly SeenMachine[], { onProgress }: BatchOptions): Promise<void> {
    const { writer, confirmation } = this.#parts;
    const uids = seen.map(({ recordUid }) => recordUid);
    await writer.write(await confirmation.without(uids));
    await writer.withdrawCopies(uids);
    onProgress?.(uids.length, uids.length);
  }

  async #draftOf({ recordUid, revision }: SeenMachine): Promise<Draft> {
    const draft = await this.#parts.writer.draftOf(recordUid);
    if (draft.baseRevision !== BigInt(revision))
      throw new ProtocolError('conflict', 'a machine was changed since it was shown');
    if (!(await this.#isNew(recordUid, draft.content)))
      throw new ProtocolError('not-allowed', 'a machine that was confirmed before is looked at by itself');
    return { ...draft, confirms: 'anew' };
  }

  async #isNew(uid: Uid, content: RecordContent): Promise<boolean> {
    const { confirmation } = this.#parts;
    return content.type === 'pamMachine' && !(await confirmation.wasEverConfirmed(uid));
  }

  #requireOwn(uid: Uid): void {
    const { book } = this.#parts;
    if (!book.isOwn(book.require(uid)))
      throw new ProtocolError('not-allowed', 'only its owner confirms where a machine leads');
  }
}

function wayOf(content: RecordContent) {
  try {
    const { connection } = readPamSettings(content);
    const credentialUid = connection.launchCredentialUid ?? null;
    return { ...readHostname(content), protocol: connection.protocol, credentialUid };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
