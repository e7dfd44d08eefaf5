// What goes into a held index, and when what it says of a row counts. protocol.md §24.
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { copy } from '../../../../protocol/bytes.ts';
import { sha256 } from '../../../../protocol/crypto/hash.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { CardSchema, RecordSchema, type Record } from '../../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../../../protocol/uid.ts';
import { VaultSet } from '../../../../workers/engine/manifest/vault-set.ts';
import { collectIndex } from '../../../../workers/engine/held-index/index-contents.ts';
import { IndexHints } from '../../../../workers/engine/held-index/index-hints.ts';
import { CardBook, type KnownCard } from '../../../../workers/engine/organising/card-book.ts';
import { tagText, type KnownRecord } from '../../../../workers/engine/records/known-record.ts';
import { RecordBook } from '../../../../workers/engine/records/record-book.ts';
import { describeRecord } from '../../../../workers/engine/records/record-entry.ts';
import { decodeSnapshot } from '../../../../workers/engine/snapshot/snapshot-codec.ts';
import { objectKey, type StoredRow } from '../../../../workers/engine/storage.ts';

const accountUid = newUid();

/** A row of the account's own, as the server has it. */
function row(changes: Partial<Record> = {}): Record {
  const plain = {
    ...{ recordUid: uidBytes(newUid()), ownerUid: uidBytes(accountUid), writerUid: uidBytes(accountUid) },
    ...{ revision: 3n, keyVersion: 1, changedAtMs: 1_000n },
    ...{ sealedKey: randomBytes(69), sealedData: randomBytes(300) },
  };
  return { ...create(RecordSchema, plain), ...changes };
}

function knownOf(record: Record, changes: Partial<KnownRecord> = {}, type = 'login'): KnownRecord {
  const content = { type, title: `Title of ${uidOf(record.recordUid)}`, fields: [] };
  return {
    ...{ uid: uidOf(record.recordUid), ownerUid: uidOf(record.ownerUid) },
    ...{ revision: Number(record.revision), keyVersion: record.keyVersion, deleted: record.deleted },
    ...{ trashedAt: null, tag: tagText(record.sealedData), covered: null, proved: true },
    entry: describeRecord(record, content),
    ...changes,
  };
}

const stored = (record: Record): StoredRow => ({
  ...{ uid: uidOf(record.recordUid), revision: record.revision, hasContent: record.sealedData.length > 0 },
  record: copy(toBinary(RecordSchema, record)),
});

const card = (changes = {}) =>
  create(CardSchema, { objectUid: uidBytes(newUid()), revision: 2n, sealed: randomBytes(293), ...changes });

async function hintsOf(
  things: readonly (readonly [Record, KnownRecord])[],
  cards: readonly (readonly [ReturnType<typeof card>, KnownCard])[] = [],
): Promise<IndexHints> {
  const set = new VaultSet();
  const book = new RecordBook({ accountUid, set } as unknown as ConstructorParameters<typeof RecordBook>[0]);
  const cardBook = new CardBook({ set } as unknown as ConstructorParameters<typeof CardBook>[0]);
  for (const [, known] of things) book.put(known);
  for (const [, known] of cards) cardBook.put(known);
  const objects = cards.map(([message, { uid }]) => {
    const bytes = copy(toBinary(CardSchema, message));
    return { kind: 'card' as const, key: objectKey('card', uid), bytes };
  });
  const storage = {
    readRows: () => Promise.resolve(things.map(([record]) => stored(record))),
    readObjects: () => Promise.resolve(objects),
  };
  const rest = () => Promise.resolve();
  return new IndexHints(decodeSnapshot(await collectIndex({ book, cards: cardBook, storage }, rest)));
}

const hinted = (hints: IndexHints, record: Record) => hints.entryOf(record, sha256(record.sealedData));

describe('a row', () => {
  test('that is what was opened has its entry; what the server says beside it is the row’s', async () => {
    const record = row();
    const known = knownOf(record);
    const hints = await hintsOf([[record, known]]);
    expect(hinted(hints, record)).toEqual(known.entry);
    const launchable = { ...record, sealedLaunch: randomBytes(50), changedAtMs: 2_000n };
    expect(hinted(hints, launchable)).toEqual({ ...known.entry, launchable: true, changedAt: 2_000 });
  });

  const others: readonly (readonly [string, (record: Record) => Partial<Record>])[] = [
    ['of another name', () => ({ recordUid: uidBytes(newUid()) })],
    ['of another owner', () => ({ ownerUid: uidBytes(newUid()) })],
    ['of another revision', ({ revision }) => ({ revision: revision + 1n })],
    ['of another key version', ({ keyVersion }) => ({ keyVersion: keyVersion + 1 })],
    ['under another key', () => ({ sealedKey: randomBytes(69) })],
    [
      'of another content whose beginning is the same',
      ({ sealedData }) => ({ sealedData: Uint8Array.from(sealedData, (byte, i) => byte ^ +(i === 299)) }),
    ],
  ];
  test.each(others)('%s is opened', async (_, change) => {
    const record = row();
    const hints = await hintsOf([[record, knownOf(record)]]);
    expect(hinted(hints, { ...record, ...change(record) })).toBeNull();
  });
});

describe('an index leaves out', () => {
  const older = { revision: 1, keyVersion: 1, tag: tagText(randomBytes(9)), deleted: false };
  const left: readonly (readonly [string, (record: Record) => KnownRecord])[] = [
    ['what others wrote and the manifest does not cover', (one) => knownOf(one, { covered: older })],
    ['what nothing vouches for', (one) => knownOf(one, { proved: false })],
    ['what cannot be read', (one) => knownOf(one, { entry: null })],
    ['what is newer than its row', (one) => knownOf(one, { revision: 4 })],
    ['folders', (one) => knownOf(one, {}, 'folder')],
    ['configurations of gateways', (one) => knownOf(one, {}, 'pamNetworkConfiguration')],
  ];
  test.each(left)('%s', async (_, known) => {
    const record = row();
    expect(hinted(await hintsOf([[record, known(record)]]), record)).toBeNull();
  });

  test('other people’s records', async () => {
    const record = row({ ownerUid: uidBytes(newUid()) });
    expect(hinted(await hintsOf([[record, knownOf(record)]]), record)).toBeNull();
  });
});

test('a card counts as it was opened, and no other one', async () => {
  const message = card();
  const said = { folderUid: newUid() as Uid | null, favourite: true, tags: ['a', 'ü'] };
  const uid = uidOf(message.objectUid);
  const hints = await hintsOf([], [[message, { ...said, uid, revision: 2, tag: tagText(message.sealed) }]]);
  expect(hints.cardOf(message)).toEqual(said);
  expect(hints.cardOf({ ...message, revision: 3n })).toBeNull();
  expect(hints.cardOf({ ...message, sealed: randomBytes(293) })).toBeNull();
  expect(hints.cardOf(card())).toBeNull();
});
