import type { RecordBook } from '../records/record-book.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import type { Sync } from '../sync/sync.ts';
import type { RecordAccess } from './record-files.ts';

/** The vault's own records, for their attachments. */
export function recordAccess(book: RecordBook, writer: RecordWriter, sync: Sync): RecordAccess {
  return {
    read: async (recordUid) => (await book.open(recordUid)).content,
    async edit(recordUid, edit) {
      const draft = await writer.draftOf(recordUid);
      const content = edit(draft.content);
      if (content !== draft.content) await writer.write([{ ...draft, content }]);
    },
    sync: () => sync.run(),
  };
}
