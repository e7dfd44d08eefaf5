import { randomBytes } from '../../../protocol/crypto/random.ts';
import { completeContent } from '../records/record-view.ts';
import { openPolicy } from '../records/record-writer.ts';
import { requireOrdinary } from '../records/records.ts';
import type { UnlockedVault } from '../unlocked-vault.ts';
import type { ExchangeVault, NewRecord } from './exchange-vault.ts';

/** What import and export see of the real vault. */
export function exchangeVaultOf({ data, files, signal }: UnlockedVault): ExchangeVault {
  return {
    signal,
    list: async (filter) => await data.lists.list(filter),
    read: async (recordUid) => (await data.book.open(recordUid)).content,
    readFile: (recordUid, fileUid) => files.read(recordUid, fileUid),
    folders: async () => (await data.organising.places()).folders,
    createFolder: async (input) => await data.folders.create(input),
    create: async (records, options) => await data.writer.writeMany(records.map(draftOf), options),
    keep: async (cards, cancelled) => await data.cardWriter.write(cards, { signal: cancelled }),
    attach: async (recordUid, attached) => void (await files.uploads.attach(recordUid, attached)),
  };
}

/** A record of one's own with a new key; a machine gets its traffic seed here. */
function draftOf({ uid, content }: NewRecord) {
  requireOrdinary(content.type);
  const policy = openPolicy;
  return { uid, key: randomBytes(32), baseRevision: 0n, content: completeContent({ content }, null), policy };
}
