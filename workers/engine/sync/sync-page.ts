import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { view } from '../../../protocol/bytes.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import {
  CardSchema,
  FeedKind,
  RecordSchema,
  type Card,
  type Record,
  type SyncPage as EncodedPage,
} from '../../../protocol/messages/gen/record_pb.js';
import type { Given } from '../given.ts';

/** A page of a sync whose records and cards are read, and are there as they came too. */
export interface SyncPage extends Omit<EncodedPage, 'records' | 'cards'> {
  readonly records: readonly Given<Record>[];
  readonly cards: readonly Given<Card>[];
}

type Listed = Pick<SyncPage, 'records' | 'cards' | 'folders' | 'entries' | 'grants' | 'removals'>;

const uidLength = 16;

/** Each is read from the very bytes that are stored of it. Throws `malformed`. */
export function readPage(page: EncodedPage): SyncPage {
  const of = <Desc extends DescMessage>(schema: Desc, given: readonly Uint8Array[]) =>
    given.map((bytes): Given<MessageShape<Desc>> => ({
      message: decodeMessage(schema, bytes),
      bytes: view(bytes),
    }));
  return { ...page, records: of(RecordSchema, page.records), cards: of(CardSchema, page.cards) };
}

/**
 * The same page without the objects whose UIDs are none: one of them must not keep the others away. What else is wrong
 * with an object, its own admission says. protocol.md §15.4.
 */
export function wellNamed<Page extends Listed>(page: Page, warn: (message: string) => void): Page {
  const of = <T>(what: string, list: readonly T[], uidsOf: (one: T) => readonly Uint8Array[]): T[] => {
    const named = list.filter((one) => uidsOf(one).every(({ length }) => length === uidLength));
    if (named.length < list.length) warn(`the server gave ${what} without a sound name: left out`);
    return named;
  };
  return {
    ...page,
    records: of('records', page.records, ({ message }) => [
      ...[message.recordUid, message.ownerUid, message.writerUid],
    ]),
    cards: of('cards', page.cards, ({ message }) => [message.objectUid]),
    folders: of('folders', page.folders, (one) => [one.folderUid, one.ownerUid, one.writerUid]),
    grants: of('grants', page.grants, ({ objectUid }) => [objectUid]),
    removals: of('removals', page.removals, ({ kind, objectUid, recordUid }) =>
      kind === FeedKind.ENTRY ? [objectUid, recordUid] : [objectUid],
    ),
  };
}
