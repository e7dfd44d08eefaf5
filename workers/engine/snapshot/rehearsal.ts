import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { KnownRecord } from '../records/known-record.ts';
import { RecordLists } from '../search/record-lists.ts';
import { openBase, sealBase } from './sealed-base.ts';
import { decodeSnapshot, encodeSnapshot, type StoredContents } from './snapshot-codec.ts';

const count = 250;
/** As often as the platform needs to see that it pays to compile what goes through columns. */
const repeats = 6;
const objects = ['rehearsal'];
const ownerUid = newUid();

/**
 * Opens, lists and searches made-up records under a key that is thrown away, a step at a time: code is compiled, which an
 * unlock and its first search would wait for.
 */
export async function* rehearseOpening(): AsyncGenerator<void> {
  const key = await SymmetricKey.import(randomBytes(32));
  const records = Array.from({ length: count }, (_, at) => madeUp(at));
  const plaintext = encodeSnapshot({ records, gone: [], cards: [], others: [], set: null });
  const sealed = await sealBase(key, objects, plaintext);
  for (let round = 0; round < repeats; round++) {
    yield;
    await listAndSearch(decodeSnapshot(await openBase(key, objects, sealed.slice())));
  }
}

async function listAndSearch({ records }: StoredContents): Promise<void> {
  const lists = new RecordLists({
    accountUid: ownerUid,
    book: { all: () => [], get: () => null, entry: () => null, has: () => false, ofType: () => [] },
    cards: { get: () => null },
    sharing: { accessTo: () => null, folders: () => Promise.resolve([]), isShared: () => false },
    recordTypes: () => [],
    version: () => 0,
  });
  lists.load(records.list);
  await lists.prepare();
  const sort = { by: 'relevance', descending: false } as const;
  for (const query of ['a', 'an'])
    await lists.query({ filter: { query }, sort, offset: 0, limit: count / repeats });
}

function madeUp(at: number): KnownRecord {
  const uid = newUid();
  const texts = { login: 'anna', host: '', url: `https://an.example/${at}`, more: 'and so on' };
  const flags = { trashed: false, launchOnly: false, launchable: false };
  return {
    ...{ uid, ownerUid, revision: 1, keyVersion: 1, deleted: false, trashedAt: null, tag: uid },
    ...{ covered: null, proved: true },
    entry: {
      ...{ uid, ownerUid, type: 'login', title: `Another ${at}`, changedAt: at, ...texts, ...flags },
      ...{ machine: null, pins: null, parentUid: null },
    },
  };
}
