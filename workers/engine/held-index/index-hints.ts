import type { Card as CardMessage, Record } from '../../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { cardPrint, recordPrint } from '../../../protocol/vault/index-print.ts';
import type { Card } from '../../../protocol/vault/card.ts';
import type { KnownCard } from '../organising/card-book.ts';
import type { KnownRecord } from '../records/known-record.ts';
import type { Loaded } from '../records/loaded-map.ts';
import type { OpenedBefore } from '../records/opened-before.ts';
import { entryOf, isOrdinary, type RecordEntry } from '../records/record-entry.ts';
import type { LoadedContents } from '../snapshot/vault-contents.ts';

/**
 * A held index beside the server's rows. It says what is in a row and nothing else: whether the row is there, new enough
 * and its writer's is judged as if there were no index. A row that is not bit for bit what was opened then, is opened.
 */
export class IndexHints implements OpenedBefore {
  readonly #records: ReadonlyMap<Uid, KnownRecord>;
  readonly #cards: ReadonlyMap<Uid, KnownCard>;

  constructor({ records, cards }: Pick<LoadedContents, 'records' | 'cards'>) {
    this.#records = byUid(records);
    this.#cards = byUid(cards);
  }

  entryOf(row: Record, dataHash: Uint8Array): RecordEntry | null {
    const known = this.#records.get(uidOf(row.recordUid));
    const entry = known?.entry ?? null;
    if (entry === null || !isOrdinary(entry.type)) return null;
    return known?.tag === recordPrint(row, dataHash) ? entryOf(row, entry) : null;
  }

  cardOf(message: CardMessage): Card | null {
    const known = this.#cards.get(uidOf(message.objectUid));
    if (known?.tag !== cardPrint(message)) return null;
    const { folderUid, favourite, tags } = known;
    return { folderUid, favourite, tags };
  }
}

/** Each of them is asked for once. */
function byUid<T extends { readonly uid: Uid }>(things: Loaded<T>): ReadonlyMap<Uid, T> {
  const rows = Array.from({ length: things.count }, (_, row) => things.at(row));
  return new Map(rows.map((thing) => [thing.uid, thing]));
}
