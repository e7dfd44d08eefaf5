import { FeedKind, type SyncResponse } from '../../../protocol/messages/gen/record_pb.js';

type Listed = Pick<SyncResponse, 'records' | 'cards' | 'folders' | 'entries' | 'grants' | 'removals'>;

const uidLength = 16;

/**
 * The same page without the objects whose UIDs are none: one of them must not keep the others away. What else is wrong
 * with an object, its own admission says. protocol.md §15.4.
 */
export function wellNamed<Page extends Listed>(page: Page, warn: (message: string) => void): Page {
  const of = <T>(what: string, list: T[], uidsOf: (one: T) => readonly Uint8Array[]): T[] => {
    const named = list.filter((one) => uidsOf(one).every(({ length }) => length === uidLength));
    if (named.length < list.length) warn(`the server gave ${what} without a sound name: left out`);
    return named;
  };
  return {
    ...page,
    records: of('records', page.records, (one) => [one.recordUid, one.ownerUid, one.writerUid]),
    cards: of('cards', page.cards, ({ objectUid }) => [objectUid]),
    folders: of('folders', page.folders, (one) => [one.folderUid, one.ownerUid, one.writerUid]),
    grants: of('grants', page.grants, ({ objectUid }) => [objectUid]),
    removals: of('removals', page.removals, ({ kind, objectUid, recordUid }) =>
      kind === FeedKind.ENTRY ? [objectUid, recordUid] : [objectUid],
    ),
  };
}
