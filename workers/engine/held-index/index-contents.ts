import type { Bytes } from '../../../protocol/bytes.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { CardSchema } from '../../../protocol/messages/gen/record_pb.js';
import { sha256OfPublic } from '../../../protocol/crypto/hash.ts';
import { uidOf } from '../../../protocol/uid.ts';
import { cardPrint, recordPrint } from '../../../protocol/vault/index-print.ts';
import type { CardBook, KnownCard } from '../organising/card-book.ts';
import type { KnownRecord } from '../records/known-record.ts';
import type { RecordBook } from '../records/record-book.ts';
import { isOrdinary } from '../records/record-entry.ts';
import { recordIn } from '../records/stored-record.ts';
import { encodeSnapshot } from '../snapshot/snapshot-codec.ts';
import type { StoredObject, StoredRow, VaultStorage } from '../storage.ts';

export interface IndexSources {
  readonly book: RecordBook;
  readonly cards: CardBook;
  readonly storage: Pick<VaultStorage, 'readRows' | 'readObjects'>;
}

/** Rows between two moments at which others may have the thread. */
const slice = 200;

/**
 * What this device has opened of the account's own things, with prints in the place of tags: the columns of a snapshot
 * (protocol.md §24). Left out is what the manifest does not cover as it is, what cannot be read, and internal types, of
 * which it matters who wrote them.
 */
export async function collectIndex(
  { book, cards, storage }: IndexSources,
  rest: () => Promise<void>,
): Promise<Bytes> {
  const records = await inSlices(await storage.readRows(), (row) => printedRecord(book, row), rest);
  const printed = await inSlices(await storage.readObjects('card'), (one) => printedCard(cards, one), rest);
  return encodeSnapshot({ records, cards: printed, gone: [], others: [], set: null });
}

async function inSlices<From, To>(
  list: readonly From[],
  read: (one: From) => To | null,
  rest: () => Promise<void>,
): Promise<To[]> {
  const made: To[] = [];
  for (let at = 0; at < list.length; at += slice) {
    for (const one of list.slice(at, at + slice)) {
      const thing = read(one);
      if (thing !== null) made.push(thing);
    }
    await rest();
  }
  return made;
}

function printedRecord(book: RecordBook, stored: StoredRow): KnownRecord | null {
  const known = book.get(stored.uid);
  if (!known?.entry || !isCovered(book, known) || !isOrdinary(known.entry.type)) return null;
  if (stored.revision !== BigInt(known.revision) || !stored.hasContent) return null;
  const row = recordIn(stored);
  if (row === null) return null;
  const { uid, ownerUid, revision, keyVersion, deleted, trashedAt, covered, proved, entry } = known;
  const tag = recordPrint(row, sha256OfPublic(row.sealedData));
  return { uid, ownerUid, revision, keyVersion, deleted, trashedAt, tag, covered, proved, entry };
}

/** The account's own, and its manifest says that it is what its owner wrote or took over. */
function isCovered(book: RecordBook, known: KnownRecord): boolean {
  return book.isOwn(known) && known.proved && known.covered === null;
}

function printedCard(cards: CardBook, { bytes }: StoredObject): KnownCard | null {
  const message = decodeMessage(CardSchema, bytes);
  const known = cards.get(uidOf(message.objectUid));
  if (known === null || BigInt(known.revision) !== message.revision) return null;
  const { uid, revision, folderUid, favourite, tags } = known;
  return { uid, revision, folderUid, favourite, tags, tag: cardPrint(message) };
}
