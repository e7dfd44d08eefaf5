import type { Card as CardMessage, Record } from '../../../protocol/messages/gen/record_pb.js';
import { uidOf } from '../../../protocol/uid.ts';
import { cardPrint, recordPrint } from '../../../protocol/vault/index-print.ts';
import type { Card } from '../../../protocol/vault/card.ts';
import type { OpenedBefore } from '../records/opened-before.ts';
import { entryOf, isOrdinary, type RecordEntry } from '../records/record-entry.ts';
import type { LoadedContents } from '../snapshot/vault-contents.ts';

/**
 * A held index beside the server's rows. It says what is in a row and nothing else: whether the row is there, new enough
 * and its writer's is judged as if there were no index. A row that is not bit for bit what was opened then, is opened.
 */
export class IndexHints implements OpenedBefore {
  readonly #contents: LoadedContents;

  constructor(contents: LoadedContents) {
    this.#contents = contents;
  }

  entryOf(row: Record, dataHash: Uint8Array): RecordEntry | null {
    const { records } = this.#contents;
    const at = records.rowOf(uidOf(row.recordUid));
    if (at < 0) return null;
    const known = records.at(at);
    if (known.entry === null || !isOrdinary(known.entry.type)) return null;
    return known.tag === recordPrint(row, dataHash) ? entryOf(row, known.entry) : null;
  }

  cardOf(message: CardMessage): Card | null {
    const { cards } = this.#contents;
    const at = cards.rowOf(uidOf(message.objectUid));
    const known = at < 0 ? null : cards.at(at);
    if (known?.tag !== cardPrint(message)) return null;
    const { folderUid, favourite, tags } = known;
    return { folderUid, favourite, tags };
  }
}
